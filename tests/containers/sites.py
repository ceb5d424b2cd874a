"""The table of sites that are exported, built and started: one row each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.integration.running import APPS, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.containers.visitor import Visitor


@dataclass(frozen=True, kw_only=True)
class Row:
    """A site, and what its visitors find there.

    Attributes:
        name: of its folder, and so of the Compose project.
        source: its files.
        python: what is installed where it is exported; empty: in the tests' own environment.
        style: the file of its style, in the project.
        hashed: a static file whose name changes with its content; empty: the style itself.
        upload: sends a picture and returns its URL.
        shows: a word of its pages that the upload has left in the database.
        database: the service that holds its data; empty: none.
        services: all of them.
        files: what it has beside its source.
    """

    name: str
    source: Path
    python: tuple[str, ...] = ()
    style: str
    hashed: str = ""
    upload: Callable[[Visitor], str]
    page: str = "/"
    shows: str = ""
    database: str = ""
    services: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)


def _new_horse(visitor: Visitor) -> str:
    answer = visitor.upload("/new", "picture", "horse.png", name="Bucephalus")
    assert answer.status == 200, answer.text
    return answer.text


def _new_image(visitor: Visitor) -> str:
    password = "correct horse battery"
    told = {"login": "ann", "name": "Ann", "password": password, "again": password}
    answer = visitor.send("/setup", site="Harbour news", **told)
    assert answer.status == 303, answer.text
    token = visitor.token("/account")
    answer = visitor.upload("/desk/images", "image", "harbour.png", csrf_token=token)
    assert answer.status == 201, answer.text
    return str(answer.json()["address"])


SITES = (
    Row(
        name="blog",
        source=ROOT / "examples" / "blog",
        style="blog/static/style.css",
        upload=_new_image,
        shows="Harbour news",
        database="mongo",
        services=("app", "mongo", "proxy"),
    ),
    Row(
        name="django",
        source=APPS / "containers_django",
        python=("django==5.2.*", "psycopg[binary]", "gunicorn"),
        style="horses/static/horses/style.css",
        upload=_new_horse,
        shows="Bucephalus",
        database="postgres",
        services=("app", "postgres", "proxy", "release"),
    ),
    Row(
        name="fastapi",
        source=APPS / "containers_fastapi",
        python=("fastapi", "python-multipart", "redis", "uvicorn", "gunicorn", "uvicorn-worker"),
        style="static/style.css",
        hashed="/static/style.3f2a9c1b.css",
        upload=_new_horse,
        shows="horse.png",
        database="redis",
        services=("app", "proxy", "redis"),
    ),
    Row(
        name="flask",
        source=APPS / "containers_flask",
        style="static/style.css",
        hashed="/static/style.3f2a9c1b.css",
        upload=_new_horse,
        services=("app", "proxy"),
    ),
)
