"""Reads how an app is run from a Dockerfile: https://docs.docker.com/reference/dockerfile/."""

from __future__ import annotations

import json
import re
import shlex

from outrider.handwritten import Dockerfile

_INSTRUCTION = re.compile(r"\s*([A-Za-z]+)\s+(.*)", re.DOTALL)


def parse(path: str, text: str) -> Dockerfile:
    """Return what the last stage of a Dockerfile says.

    What is no instruction is passed over: the file is only a starting point.

    Args:
        path: of the file, for messages.
        text: what is in it.
    """
    stages: dict[str, str] = {}
    given: dict[str, str] = {}
    image = workdir = user = ""
    said: dict[str, tuple[str, ...]] = {}
    line = 0
    for number, name, rest in _instructions(text):
        value = _replaced(rest, given)
        match name:
            case "ARG" | "ENV":
                given |= _settings(value)
            case "FROM":
                source, _, stage = re.sub(r"--\S+\s+", "", value).partition(" ")
                image = stages.get(source, source)
                stages[stage.strip().partition(" ")[2].strip() or source] = image
                workdir = user = ""
                said, line = {}, 0
            case "WORKDIR":
                workdir = value if value.startswith("/") else f"{workdir}/{value}"
            case "USER":
                user = value
            case "CMD" | "ENTRYPOINT":
                said[name], line = _command(value), number
            case _:
                pass
    return Dockerfile(
        path=path,
        image=image,
        workdir=workdir.rstrip("/") or "/",
        command=(*said.get("ENTRYPOINT", ()), *said.get("CMD", ())),
        user=user,
        line=line,
    )


def _instructions(text: str) -> list[tuple[int, str, str]]:
    """Return each instruction with its line; a comment may stand within one."""
    found: list[tuple[int, str, str]] = []
    held, first = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith("#"):
            continue
        first = first if held else number
        held += line
        if held.rstrip().endswith("\\"):
            held = held.rstrip()[:-1] + " "
            continue
        if match := _INSTRUCTION.fullmatch(held):
            found.append((first, match[1].upper(), match[2].strip()))
        held = ""
    return found


def _settings(value: str) -> dict[str, str]:
    if "=" not in value.partition(" ")[0]:
        name, _, rest = value.partition(" ")
        return {name: rest.strip()} if rest else {}
    return {
        name: rest for name, sign, rest in (one.partition("=") for one in _words(value)) if sign
    }


def _replaced(value: str, given: dict[str, str]) -> str:
    return re.sub(
        r"\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))",
        lambda match: given.get(match[1] or match[3], match[2] or match[0]),
        value,
    )


def _command(value: str) -> tuple[str, ...]:
    if value.startswith("["):
        try:
            return tuple(map(str, json.loads(value)))
        except ValueError:
            pass
    return words(value)


def words(command: str) -> tuple[str, ...]:
    """Return the words of a command as a shell would split it, without those that only start it."""
    found = _words(command)
    if found[:2] in (["sh", "-c"], ["bash", "-c"], ["/bin/sh", "-c"], ["/bin/bash", "-c"]):
        found = _words(" ".join(found[2:]))
    return tuple(found)


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()
