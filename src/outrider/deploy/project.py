"""What Compose and the engine say of a project, as values."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

APP_PORT = 8000
RUN = "/run/outrider"
_ID = re.compile(r"^[0-9a-f]{64}$", re.MULTILINE)
_NS = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Project:
    """A Compose project, as `docker compose config` resolves it."""

    name: str
    services: Mapping[str, Any]
    networks: Mapping[str, Any]

    @property
    def is_ours(self) -> bool:
        """It has an app and a proxy with a network between them, as `export compose` writes it."""
        return bool(self.proxy and self.app)

    @property
    def proxy(self) -> str:
        """The service with Nginx; empty: there is none. What they are called may be the user's."""
        return next((name for name in self.services if self._target(name) == "proxy"), "")

    @property
    def app(self) -> str:
        """The service that Nginx passes requests to."""
        return next((name for name in self._of_app if self._shared(name)), "")

    @property
    def release(self) -> str:
        """What has to run before new code serves; empty: nothing."""
        others = (name for name in self._of_app if name != self.app)
        return next((name for name in others if self.services[name].get("restart") == "no"), "")

    @property
    def extras(self) -> tuple[str, ...]:
        """What else runs the app's image."""
        return tuple(name for name in self._of_app if name not in (self.app, self.release))

    @property
    def databases(self) -> tuple[str, ...]:
        """What is not built here, and so not part of a release."""
        return tuple(name for name in self.services if self._target(name) is None)

    @property
    def web(self) -> str:
        """The engine's name of the network in which the proxy finds the app."""
        return str(self.networks[self._shared(self.app)[0]]["name"])

    @property
    def wanted(self) -> int:
        """How many containers of the app there are to be."""
        app = self.services[self.app]
        return int(app.get("scale") or (app.get("deploy") or {}).get("replicas") or 1)

    def image(self, service: str) -> str:
        """Return the name of a service's image, which Compose makes up if it has none."""
        return str(self.services[service].get("image") or f"{self.name}-{service}")

    @property
    def _of_app(self) -> tuple[str, ...]:
        return tuple(name for name in self.services if self._target(name) == "app")

    def _shared(self, service: str) -> list[str]:
        """Return the networks that a service shares with the proxy."""
        own, proxy = (self.services[one].get("networks") or {} for one in (service, self.proxy))
        return sorted(set(own) & set(proxy))

    def _target(self, service: str) -> str | None:
        build = self.services.get(service, {}).get("build")
        return str(build.get("target") or "") if build else None


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container, as `docker inspect` describes it."""

    id: str
    name: str
    hostname: str
    service: str
    image: str
    status: str
    restarts: int
    networks: frozenset[str]
    volumes: Mapping[str, str]
    """Names by where they are mounted."""
    check: tuple[str, ...]
    """The command that tells whether it is healthy."""
    patience_s: float
    """What its health check gives it until it has to be healthy."""
    digest: str
    """Compose's own, of the service as it was when the container was made."""
    settings: Mapping[str, Any]

    @property
    def spool(self) -> str:
        """The volume in which Nginx may write."""
        return self.volumes.get(RUN, "")

    @property
    def serves(self) -> bool:
        """It runs; whether Nginx finds it is another matter."""
        return self.status == "running"


def read_project(text: str) -> Project:
    """Return what `docker compose config --format json` has written, after its warnings.

    Raises:
        ValueError: it is something else.
    """
    found, _ = json.JSONDecoder().raw_decode(text, max(0, text.find("{\n")))
    return Project(
        name=found["name"], services=found["services"], networks=found.get("networks") or {}
    )


def read_ids(text: str) -> tuple[str, ...]:
    """Return the ids that `docker ps --quiet --no-trunc` has written."""
    return tuple(_ID.findall(text))


def read_inspected(text: str) -> list[Any]:
    """Return what `docker inspect` has written."""
    found, _ = json.JSONDecoder().raw_decode(text, max(0, text.find("[\n")))
    return list(found)


def read_containers(text: str) -> tuple[Container, ...]:
    """Return containers, in the order in which they were made."""
    found = sorted(read_inspected(text), key=lambda one: str(one["Created"]))
    return tuple(map(_container, found))


def _container(found: Any) -> Container:
    labels = found["Config"].get("Labels") or {}
    health = found["Config"].get("Healthcheck") or {}
    state = found["State"]
    return Container(
        id=found["Id"],
        name=found["Name"].removeprefix("/"),
        hostname=found["Config"]["Hostname"],
        service=labels.get("com.docker.compose.service", ""),
        image=found["Image"],
        status="restarting" if state.get("Restarting") else state["Status"],
        restarts=found.get("RestartCount", 0),
        networks=frozenset(found["NetworkSettings"]["Networks"]),
        volumes={one["Destination"]: one.get("Name", "") for one in found.get("Mounts", ())},
        check=_words(health.get("Test") or ()),
        patience_s=_patience_s(health),
        digest=labels.get("com.docker.compose.config-hash", ""),
        settings=found["Config"],
    )


def _words(test: Any) -> tuple[str, ...]:
    """https://docs.docker.com/reference/compose-file/services/#healthcheck"""
    if not test or test[0] == "NONE":
        return ()
    return ("sh", "-c", test[1]) if test[0] == "CMD-SHELL" else tuple(test[1:])


def _patience_s(health: Mapping[str, int]) -> float:
    """https://docs.docker.com/reference/dockerfile/#healthcheck, with its defaults"""
    tries = health.get("Retries") or 3
    each = (health.get("Interval") or 30 * _NS) + (health.get("Timeout") or 30 * _NS)
    return ((health.get("StartPeriod") or 0) + tries * each) / _NS
