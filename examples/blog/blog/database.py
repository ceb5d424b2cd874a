"""The database: one client in each worker process, made when it is first asked for.

A MongoClient has threads and sockets, which do not survive a fork, so none may exist before one:
https://pymongo.readthedocs.io/en/stable/faq.html#is-pymongo-fork-safe
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from flask import Flask, current_app
from pymongo import IndexModel, MongoClient
from pymongo.database import Database
from pymongo.monitoring import (
    ServerClosedEvent,
    ServerDescriptionChangedEvent,
    ServerListener,
    ServerOpeningEvent,
)

Db: TypeAlias = Database[dict[str, Any]]
Indexes: TypeAlias = Mapping[str, Sequence[IndexModel]]
"""The indexes of each collection."""
Prepare: TypeAlias = Callable[[Db], None]

PATIENCE_MS = 2000
"""How long a page waits for a database that is away before it says so."""
ANSWER_MS = 20_000
"""How long one that accepts connections may take to answer."""


def init_app(app: Flask, indexes: Sequence[Indexes]) -> None:
    """Tell where the database is and which indexes it needs; nothing is connected yet."""
    app.extensions["database"] = _Connections(app.config["MONGO_URL"], indexes)


def on_connected(app: Flask, prepare: Prepare) -> None:
    """Let `prepare` look at the database before a process first uses it."""
    app.extensions["database"].prepare.append(prepare)


def get() -> Db:
    """Return the database of the current app, with its indexes.

    Raises:
        pymongo.errors.ConnectionFailure: it cannot be reached.
    """
    return current_app.extensions["database"].of_this_process().indexed()


class _Connections:
    def __init__(self, url: str, indexes: Sequence[Indexes]) -> None:
        self._url = url
        self._indexes = indexes
        self.prepare: list[Prepare] = []
        self._connections: dict[int, _Connection] = {}
        self._lock = threading.Lock()

    def of_this_process(self) -> _Connection:
        with self._lock:
            if os.getpid() not in self._connections:
                self._connections[os.getpid()] = _Connection(self._url, self._indexes, self.prepare)
            return self._connections[os.getpid()]


class _Connection:
    def __init__(self, url: str, indexes: Sequence[Indexes], prepare: Sequence[Prepare]) -> None:
        self._losses = _Losses()
        self.client: MongoClient[dict[str, Any]] = MongoClient(
            url,
            appname="blog",
            tz_aware=True,
            serverSelectionTimeoutMS=PATIENCE_MS,
            connectTimeoutMS=PATIENCE_MS,
            socketTimeoutMS=ANSWER_MS,
            event_listeners=[self._losses],
        )
        self._indexes = indexes
        self._prepare = prepare
        self._indexed_at: int | None = None

    def indexed(self) -> Db:
        """Return the database once its indexes are there.

        After it was away it may be another, empty one. To make an index that is there does nothing.
        """
        database = self.client.get_default_database("blog")
        losses = self._losses.count
        if self._indexed_at != losses:
            for indexes in self._indexes:
                for collection, models in indexes.items():
                    database[collection].create_indexes(list(models))
            for prepare in self._prepare:
                prepare(database)
            self._indexed_at = losses
        return database


class _Losses(ServerListener):
    """Counts how often a server that was there was lost."""

    def __init__(self) -> None:
        self.count = 0

    def description_changed(self, event: ServerDescriptionChangedEvent) -> None:
        if event.previous_description.is_server_type_known:
            self.count += not event.new_description.is_server_type_known

    def opened(self, event: ServerOpeningEvent) -> None:
        pass

    def closed(self, event: ServerClosedEvent) -> None:
        pass
