"""compose.yaml, and what .env needs."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from outrider.render import docker
from outrider.render.artifact import Artifact, Comment, environment, stamped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from outrider.stack import BuildSecret, Image, Stack, Volume


_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*")
_WORDS = {"true", "false", "yes", "no", "on", "off", "y", "n", "null"}
"""What YAML takes for something else than text: https://yaml.org/type/bool.html"""


def quote(value: object) -> str:
    """Return a value as YAML; JSON is YAML, whatever the text."""
    if isinstance(value, Comment):
        return str(value)
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(quote, value))}]"
    if isinstance(value, (str, int)):
        return json.dumps(value, ensure_ascii=False)
    msg = f"no YAML is defined for {type(value).__name__}"
    raise TypeError(msg)


def render(stack: Stack) -> list[Artifact]:
    """Return compose.yaml."""
    templates = environment(quote)
    templates.filters["comment"] = Comment
    body = templates.get_template("compose.yaml.j2").render(
        stack=stack,
        target=Comment(stack.site.process.target),
        published=f"{stack.published}:{stack.site.bind.port}",
        build=_build(stack),
        mounted=mounted,
        build_secrets=[(one.id, *source(one)) for one in stack.build_secrets],
        has_data=any(stack.names.data in one.networks for one in stack.services),
    )
    return [stamped("compose.yaml", body)]


def _build(stack: Stack) -> Callable[[str], Comment]:
    """Return what tells how a target is built, in YAML."""
    secrets = [one.id for one in stack.build_secrets]
    more = f", secrets: {quote(secrets)}" if secrets else ""
    return lambda target: Comment(f"{{context: ., target: {target}{more}}}")


def mounted(volume: Volume) -> str | Comment:
    """Return where a volume lies; in the short form a colon would end the path."""
    if volume.is_folder:
        # An empty one in its place would look like a loss.
        more = ", read_only: true" if volume.is_read_only else ""
        source, target = quote(volume.name), quote(volume.directory)
        how = f"bind: {{create_host_path: false}}{more}"
        return Comment(f"{{type: bind, source: {source}, target: {target}, {how}}}")
    if ":" not in volume.directory:
        more = ":ro" if volume.is_read_only else ""
        return f"{volume.name}:{volume.directory}{more}"
    more = ", read_only: true" if volume.is_read_only else ""
    target = quote(volume.directory)
    return Comment(f"{{type: volume, source: {quote(volume.name)}, target: {target}{more}}}")


def source(secret: BuildSecret) -> tuple[str, str]:
    """Return what Compose takes a secret from, and where that is."""
    _, _, given = secret.given_as.partition(",")
    kind, _, value = given.partition("=")
    return ("environment", value) if kind == "env" else ("file", value)


def override(stack: Stack, image: Image) -> Artifact:
    """Return compose.override.yaml, for development.

    Args:
        stack: what it is laid over.
        image: of the app.
    """
    templates = environment(quote)
    templates.filters["comment"] = Comment
    site = stack.site
    command = docker.command(image, site)
    reloads = site.process.server.name == "gunicorn"
    made = [f"{docker.PROJECT}/{one.output}" for one in image.node]
    # What is made in the build is in no folder of this machine.
    folders = docker.outermost(
        mount.directory
        for mount in site.mounts
        if mount.kind != "media"
        and mount.directory.startswith(f"{docker.PROJECT}/")
        and not any(f"{mount.directory}/".startswith(f"{one}/") for one in made)
    )
    written = {volume.directory for one in stack.services for volume in one.volumes}
    body = templates.get_template("compose.override.yaml.j2").render(
        stack=stack,
        project=docker.PROJECT,
        reloads=reloads,
        command=[*command[:-1], "--reload", command[-1]],
        static=[(_here(one), one) for one in folders],
        folders_first=[_here(one) for one in sorted(written) if one.startswith(docker.PROJECT)],
    )
    return stamped("compose.override.yaml", body)


def _here(directory: str) -> str:
    """Return a folder of the image as it is called from the project."""
    return f".{directory.removeprefix(docker.PROJECT)}"


def env_lines(secrets: Mapping[str, str]) -> str:
    """Return lines for .env, in the quotes in which Compose takes nothing out of a value.

    https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax
    """
    return "".join(f"{name}={_in_quotes(value)}\n" for name, value in secrets.items())


def _in_quotes(value: str) -> str:
    if "'" not in value:
        return f"'{value}'"
    return '"' + re.sub(r'([\\"$])', r"\\\1", value) + '"'
