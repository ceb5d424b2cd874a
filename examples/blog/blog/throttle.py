"""How often a password may be tried.

Three limits, so that nobody can guess, and nobody can lock somebody else out from one address:
the account from that address, the address for any accounts, the account from anywhere.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bson import ObjectId
from pymongo import ASCENDING, IndexModel

if TYPE_CHECKING:
    from blog.database import Db


@dataclass(frozen=True)
class Limit:
    """So many attempts within so much time."""

    name: str
    attempts: int
    window: timedelta

    def key(self, login: str, address: str) -> str:
        """Return what is counted."""
        return {
            "both": f"both {address} {login}",
            "address": f"address {address}",
            "account": f"account {login}",
        }[self.name]


LIMITS = (
    Limit("both", 5, timedelta(minutes=15)),
    Limit("address", 20, timedelta(minutes=15)),
    Limit("account", 100, timedelta(hours=1)),
)

INDEXES = {
    "attempts": [
        IndexModel([("key", ASCENDING), ("at", ASCENDING)]),
        IndexModel("at", expireAfterSeconds=3600),
    ]
}


def attempt(db: Db, login: str, address: str | None, now: datetime) -> datetime | None:
    """Count an attempt before the password is looked at; return when to try again if too many.

    What is refused does not count, so that waiting helps. Attempts at the same moment each see the
    others: rather one too few than one too many gets through.
    """
    made = []
    for limit in LIMITS:
        key = limit.key(login, _network(address))
        mine = ObjectId()
        db.attempts.insert_one({"_id": mine, "key": key, "at": now})
        made.append(mine)
        recent = {"key": key, "at": {"$gt": now - limit.window}}
        times = [found["at"] for found in db.attempts.find(recent).sort("at")]
        if len(times) > limit.attempts:
            db.attempts.delete_many({"_id": {"$in": made}})
            return times[-1 - limit.attempts] + limit.window
    return None


def forget(db: Db, login: str, address: str | None) -> None:
    """Count from the start again for an account whose password was given."""
    keys = [limit.key(login, _network(address)) for limit in LIMITS if limit.name != "address"]
    db.attempts.delete_many({"key": {"$in": keys}})


def _network(address: str | None) -> str:
    """Return the part of an address that one visitor has: of IPv6 all of a /64."""
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else str(ip)
