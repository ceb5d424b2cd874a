"""What the command line of an application server says: which app, on which port, with how many."""

from __future__ import annotations

import re
from dataclasses import dataclass

SERVERS = ("gunicorn", "uvicorn", "hypercorn", "daphne", "granian", "waitress-serve", "uwsgi")
_DEVELOPMENT = (("flask", "run"), ("manage.py", "runserver"), ("fastapi", "dev"))
_VALUED = re.compile(
    r"-[a-zA-Z]|--(?:bind|workers|worker-class|threads|timeout|graceful-timeout|keep-alive|chdir|"
    r"config|log-level|log-file|access-logfile|error-logfile|access-log-file|error-log-file|name|"
    r"host|port|listen|max-requests|max-requests-jitter|worker-tmp-dir|worker-connections|user|"
    r"group|pythonpath|env|pid|umask|backlog|forwarded-allow-ips|interface|loop|http|socket|"
    r"module|wsgi|ini|wsgi-file|callable|processes|root-path|uds|fd)"
)
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*(\(.*\))?|[A-Za-z_]\w*(\.\w+)+")


@dataclass(frozen=True, kw_only=True)
class ServerCommand:
    """How an app is served."""

    program: str = ""
    """Empty: none that is known."""
    target: str = ""
    port: str = ""
    options: tuple[tuple[str, str], ...] = ()
    is_for_development: bool = False

    def option(self, *names: str) -> str:
        """Return the value of an option that may be written in several ways."""
        return next((value for name, value in self.options if name in names), "")


def understand(command: tuple[str, ...]) -> ServerCommand:
    """Return what a command says, an empty value when it is of no server that is known."""
    names = [word.rpartition("/")[2] for word in command]
    is_for_development = any(
        pair == tuple(names[at : at + 2]) for at in range(len(names)) for pair in _DEVELOPMENT
    )
    at = next((at for at, name in enumerate(names) if name in SERVERS), None)
    if at is None:
        return ServerCommand(is_for_development=is_for_development)
    options, plain = _options(command[at + 1 :])
    given = dict(options)
    named = given.get("--module") or given.get("--wsgi") or given.get("-w", "")
    place = given.get("--bind") or given.get("-b") or given.get("--http") or given.get("--socket")
    port = given.get("--port") or given.get("-p") or (place or "").rpartition(":")[2]
    target = next(filter(_TARGET.fullmatch, plain), "")
    if not target and names[at] == "uwsgi" and _TARGET.fullmatch(named):
        target = named
    return ServerCommand(
        program=names[at],
        target=target,
        port=port if port.isdigit() else "",
        options=tuple(options),
        is_for_development=is_for_development,
    )


def _options(words: tuple[str, ...]) -> tuple[list[tuple[str, str]], list[str]]:
    options: list[tuple[str, str]] = []
    plain: list[str] = []
    rest = iter(words)
    for word in rest:
        name, sign, value = word.partition("=")
        if not word.startswith("-"):
            plain.append(word)
        elif sign:
            options.append((name, value))
        elif re.fullmatch(r"-[a-zA-Z]\d+", word):
            options.append((word[:2], word[2:]))  # -w2
        else:
            options.append((word, next(rest, "") if _VALUED.fullmatch(word) else ""))
    return options, plain
