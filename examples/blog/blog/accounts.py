"""The people of the site: their roles and passwords, and its one owner."""

from __future__ import annotations

import enum
import secrets
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import argon2
from bson import ObjectId
from pymongo import IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

if TYPE_CHECKING:
    from datetime import datetime

    from blog.database import Db


INDEXES = {
    "users": [
        IndexModel("login", unique=True),
        IndexModel(
            "role", unique=True, partialFilterExpression={"role": "owner"}, name="one_owner"
        ),
    ]
}

_HASHER = argon2.PasswordHasher()
_NOBODYS = _HASHER.hash(secrets.token_hex())
"""Checked when there is no such user, so that the time taken does not tell."""


class Role(enum.IntEnum):
    """Each may do what those before it may."""

    READER = 1
    WRITER = 2
    EDITOR = 3
    OWNER = 4

    @property
    def word(self) -> str:
        """What documents, forms and pages call it."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Role:
        """Return the role of a word."""
        return cls[word.upper()]


@dataclass(frozen=True)
class User:
    """Somebody who has an account."""

    id: ObjectId
    login: str
    name: str
    role: Role
    session: int
    """Sessions begun under a smaller number have ended."""


class LoginTakenError(Exception):
    """Somebody else has that login."""


class OwnerExistsError(Exception):
    """The site was set up before."""


def normal_login(text: str) -> str:
    """Return the one form of a login that different keyboards and habits of writing give."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def owner(db: Db) -> User | None:
    """Return the owner, if the site was set up."""
    found = db.users.find_one({"role": "owner"})
    if found is None and db.users.find_one({"heir": {"$exists": True}}):
        return _finish_hand_over(db)
    return _user(found) if found else None


def by_id(db: Db, id: ObjectId) -> User | None:
    """Return a user."""
    found = db.users.find_one({"_id": id})
    return _user(found) if found else None


def everyone(db: Db) -> list[User]:
    """Return all users by login."""
    return [_user(found) for found in db.users.find().sort("login")]


def set_up(db: Db, login: str, name: str, password: str, now: datetime) -> User:
    """Make the owner.

    Raises:
        OwnerExistsError: there is one, perhaps since a moment ago.
    """
    if owner(db):
        raise OwnerExistsError
    try:
        return add(db, login, name, password, Role.OWNER, now)
    except DuplicateKeyError:
        raise OwnerExistsError from None


def add(db: Db, login: str, name: str, password: str, role: Role, now: datetime) -> User:
    """Make a user.

    Raises:
        LoginTakenError: and nothing has changed.
    """
    document = {
        "_id": ObjectId(),
        "login": normal_login(login),
        "name": name,
        "password": _HASHER.hash(password),
        "role": role.word,
        "created_at": now,
        "session": 1,
    }
    try:
        db.users.insert_one(document)
    except DuplicateKeyError:
        if db.users.find_one({"login": document["login"]}):
            raise LoginTakenError from None
        raise
    return _user(document)


def check(db: Db, login: str, password: str) -> User | None:
    """Return the user whose password this is.

    A login that nobody has takes the same time as one that somebody has.
    """
    found = db.users.find_one({"login": normal_login(login)})
    stored = found["password"] if found else _NOBODYS
    try:
        _HASHER.verify(stored, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return None
    if found is None:
        return None
    if _HASHER.check_needs_rehash(stored):
        # Only in place of what was checked: the password may have been changed meanwhile.
        db.users.update_one(
            {"_id": found["_id"], "password": stored},
            {"$set": {"password": _HASHER.hash(password)}},
        )
    return _user(found)


def change_password(db: Db, id: ObjectId, password: str) -> User | None:
    """Set a password and end all sessions of that user; return who it is now."""
    found = db.users.find_one_and_update(
        {"_id": id},
        {"$set": {"password": _HASHER.hash(password)}, "$inc": {"session": 1}},
        return_document=ReturnDocument.AFTER,
    )
    return _user(found) if found else None


def first_password() -> str:
    """Return a password for somebody to begin with."""
    return secrets.token_urlsafe(12)


def rename(db: Db, id: ObjectId, name: str) -> None:
    """Change the name that is shown beside posts and comments from now on."""
    db.users.update_one({"_id": id}, {"$set": {"name": name}})


def change_role(db: Db, id: ObjectId, role: Role) -> bool:
    """Give somebody another role; False for the owner, for nobody, and for that of the owner."""
    if role is Role.OWNER:
        return False
    chosen = {"_id": id, "role": {"$ne": "owner"}}
    return db.users.update_one(chosen, {"$set": {"role": role.word}}).matched_count == 1


def remove(db: Db, id: ObjectId) -> bool:
    """Remove somebody and so end their sessions; False for the owner and for nobody."""
    return db.users.delete_one({"_id": id, "role": {"$ne": "owner"}}).deleted_count == 1


def hand_over(db: Db, id: ObjectId) -> bool:
    """Make somebody else the owner, and the owner an editor.

    These are two documents, and not every MongoDB has transactions. The first step names the heir:
    whoever next asks for the owner makes the second one, if it was not made here.
    """
    if db.users.count_documents({"_id": id, "role": {"$ne": "owner"}}) == 0:
        return False
    db.users.update_one({"role": "owner"}, {"$set": {"role": "editor", "heir": id}})
    new = owner(db)
    return new is not None and new.id == id


def _finish_hand_over(db: Db) -> User | None:
    former = db.users.find_one({"heir": {"$exists": True}})
    if former is None:
        return None
    try:
        # The heir, or the former owner again should the heir have been removed meanwhile.
        for candidate in (former["heir"], former["_id"]):
            if db.users.update_one({"_id": candidate}, {"$set": {"role": "owner"}}).matched_count:
                break
    except DuplicateKeyError:
        pass  # another request was faster
    db.users.update_one({"_id": former["_id"]}, {"$unset": {"heir": ""}})
    found = db.users.find_one({"role": "owner"})
    return _user(found) if found else None


def _user(found: dict[str, Any]) -> User:
    return User(
        found["_id"], found["login"], found["name"], Role.of(found["role"]), found["session"]
    )
