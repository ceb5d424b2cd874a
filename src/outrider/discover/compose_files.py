"""Reads a Compose file: https://docs.docker.com/reference/compose-file/."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from outrider import errors
from outrider.discover import dockerfiles
from outrider.handwritten import ComposeFile, ComposeService, Mounted, Port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?::?[-?]([^}]*))?\}|(\w+))")


def parse(path: str, text: str, project: str, variables: Mapping[str, str]) -> ComposeFile:
    """Return what a Compose file says.

    Args:
        path: of the file.
        text: what is in it.
        project: what Compose calls the project if the file does not.
        variables: what replaces `${NAME}`.

    Raises:
        OutriderError: it is no YAML, or no Compose file.
    """
    document = _yaml(path, text)
    services = document.get("services") if isinstance(document, dict) else None
    if not isinstance(services, dict) or not all(isinstance(s, dict) for s in services.values()):
        raise errors.bad_compose_file(path, "it has no `services:` with a mapping for each")
    named = str(document.get("name") or "")
    name = _replaced(named, variables) or variables.get("COMPOSE_PROJECT_NAME") or project
    reader = _Reader(os.path.dirname(path), variables)  # noqa: PTH120 - a path as a value
    return ComposeFile(
        path=path,
        project=project_of(name),
        services=tuple(reader.service(one, said) for one, said in services.items()),
        volumes=tuple(_named(_table(document, "volumes"))),
        external_networks=frozenset(
            one
            for one, said in _table(document, "networks").items()
            if isinstance(said, dict) and said.get("external") not in (None, "", "false")
        ),
    )


def project_of(folder: str) -> str:
    """Return what Compose makes of a folder's name.

    https://docs.docker.com/compose/how-tos/project-name/
    """
    return re.sub(r"[^a-z0-9_-]", "", folder.lower()).lstrip("_-")


def _yaml(path: str, text: str) -> Any:
    try:
        import yaml  # noqa: PLC0415 - only who starts from a Compose file needs it
    except ImportError:
        raise errors.needs_yaml(path) from None

    class Strings(yaml.SafeLoader):
        """Leaves `22:22` and `on` the text that they are to Compose."""

        yaml_implicit_resolvers = {"<": [("tag:yaml.org,2002:merge", re.compile(r"^<<$"))]}  # noqa: RUF012 - as PyYAML has it

    try:
        return yaml.load(text, Loader=Strings)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        said = getattr(error, "problem", None) or "it cannot be read"
        raise errors.bad_compose_file(path, f"it is no YAML: {where}{said}") from None


def _named(volumes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for one, said in volumes.items():
        if not isinstance(said, dict):
            continue
        external = said.get("external")
        inner = external.get("name") if isinstance(external, dict) else None
        if name := said.get("name") or inner:
            yield one, str(name)
        elif external not in (None, "", "false"):
            yield one, one


def _table(of: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = of.get(key)
    return found if isinstance(found, dict) else {}


def _list(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value)
    return value if isinstance(value, list) else [value] if value else []


def _pairs(value: Any) -> dict[str, str]:
    """Return a mapping that may be written as a list of `NAME=VALUE`."""
    if isinstance(value, dict):
        return {str(name): str(said) for name, said in value.items()}
    parts = (str(one).partition("=") for one in _list(value))
    # Without a value it comes from the environment of who starts Compose.
    return {name: said if sign else f"${{{name}}}" for name, sign, said in parts}


def _replaced(text: str, variables: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1] or match[3]
        return variables.get(name, match[2] or "") if name else "$"

    return _VARIABLE.sub(value, text)


class _Reader:
    """Reads services, in a folder and with variables."""

    def __init__(self, folder: str, variables: Mapping[str, str]) -> None:
        self.folder = folder
        self.variables = variables

    def service(self, name: str, said: Mapping[str, Any]) -> ComposeService:
        return ComposeService(
            name=name,
            image=self.text(said.get("image")),
            build=self.build(said.get("build")),
            command=tuple(
                word
                for key in ("entrypoint", "command")
                for word in dockerfiles.words(self.words(said.get(key)))
            ),
            ports=tuple(self.port(one) for one in _list(said.get("ports"))),
            mounts=tuple(filter(None, (self.mount(one) for one in _list(said.get("volumes"))))),
            env_files=tuple(
                self.text(one.get("path") if isinstance(one, dict) else one)
                for one in _list(said.get("env_file"))
            ),
            environment=tuple(_pairs(said.get("environment")).items()),
            networks=tuple(map(str, _list(said.get("networks")))) or ("default",),
            after=tuple(map(str, _list(said.get("depends_on")))),
            user=self.text(said.get("user")),
            restarts=self.text(said.get("restart")) not in ("", "no"),
            has_health=isinstance(said.get("healthcheck"), dict),
            has_log_limits="max-size" in _table(_table(said, "logging"), "options"),
        )

    def text(self, value: Any) -> str:
        return _replaced(str(value or ""), self.variables)

    def words(self, value: Any) -> str:
        if isinstance(value, list):
            return " ".join(map(self.text, value))
        return self.text(value)

    def build(self, said: Any) -> str | None:
        if not said:
            return None
        context = self.text(said.get("context") or "." if isinstance(said, dict) else said)
        if "://" in context or context.startswith("git@"):
            return context
        return os.path.normpath(os.path.join(self.folder, context))  # noqa: PTH118 - a value

    def port(self, said: Any) -> Port:
        if isinstance(said, dict):
            return Port(
                published=self.text(said.get("published")),
                target=self.text(said.get("target")),
                host=self.text(said.get("host_ip")),
            )
        before, _, target = self.text(said).rpartition(":")
        host, _, published = before.rpartition(":")
        return Port(published=published, target=target.partition("/")[0], host=host.strip("[]"))

    def mount(self, said: Any) -> Mounted | None:
        if isinstance(said, dict):
            if said.get("type") in ("tmpfs", "npipe", "cluster"):
                return None
            return Mounted(
                source=self.text(said.get("source")),
                target=self.text(said.get("target")),
                is_read_only=said.get("read_only") == "true",
            )
        # What a variable holds may have colons of its own.
        parts = self.text(said).split(":")
        if len(parts) == 1:
            return Mounted(source="", target=parts[0])
        return Mounted(
            source=parts[0],
            target=parts[1],
            is_read_only="ro" in ",".join(parts[2:]).split(","),
        )
