"""compose.yaml, and what .env needs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from outrider.render.artifact import Artifact, Comment, environment, stamped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outrider.site import Stack


def quote(value: object) -> str:
    """Return a value as YAML; JSON is YAML, whatever the text."""
    if isinstance(value, Comment):
        return str(value)
    if isinstance(value, (str, int, list, tuple)):
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
        has_data=any("data" in one.networks for one in stack.services),
    )
    return [stamped("compose.yaml", body)]


def env_lines(secrets: Mapping[str, str]) -> str:
    """Return lines for .env, in the quotes in which Compose takes nothing out of a value.

    https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax
    """
    return "".join(f"{name}='{value}'\n" for name, value in secrets.items())
