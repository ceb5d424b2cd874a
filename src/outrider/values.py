"""What the value of a setting can be: its types, and a parser for each that says what it wants."""

from __future__ import annotations

import ipaddress
import os.path
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

RESERVED_NAMES = (
    *("front", "nginx", "outrider", "release"),  # what else speaks in the log
    "control",  # its socket stands beside those of the sites
    *("default", "hostnames", "include", "volatile"),  # words of Nginx's `map`
)
_SIZE_UNITS = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30}
_TIME_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
_HOSTNAME = re.compile(
    r"(\*\.)?[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))*", re.IGNORECASE
)
_SHELL_SIGNS = ("|", "||", "&", "&&", ";", "<", ">", ">>", "2>", "2>&1")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class BadValueError(ValueError):
    """A value that a parser cannot take; says what it wants."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a listener binds."""

    host: str
    port: int

    @property
    def is_any(self) -> bool:
        """Every address of the machine."""
        return ipaddress.ip_address(self.host).is_unspecified

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class UrlDirectory:
    """`URL=DIR`: a folder that Nginx serves at a URL prefix."""

    url: str
    directory: str


@dataclass(frozen=True, kw_only=True)
class NamedCommand:
    """`NAME=COMMAND`: a program that runs beside the site."""

    name: str
    words: tuple[str, ...]
    unless: str | None = None
    """The variable that makes it needless: what it provides is elsewhere."""

    def __str__(self) -> str:
        return f"{self.name}: {shlex.join(self.words)}"


def parse_text(raw: object) -> str:
    """Return a text that is not empty, without the blanks around it."""
    if not isinstance(raw, str):
        msg = f"a text in quotes, not {kind_of(raw)}"
        raise BadValueError(msg)
    if _CONTROL.search(raw):
        msg = "text without line breaks or control characters"
        raise BadValueError(msg)
    if not raw.strip():
        msg = "a value; this one is empty"
        raise BadValueError(msg)
    return raw.strip()


def kind_of(raw: object) -> str:
    """Say what a value of a TOML file is."""
    names = {
        bool: "true or false",
        int: "a number",
        float: "a fraction",
        str: "a text",
        list: "a list",
        dict: "a table",
    }
    return names.get(type(raw), type(raw).__name__)


def parse_count(raw: object) -> int:
    """Return a whole number of at least 1."""
    if isinstance(raw, str) and re.fullmatch(r"[0-9]{1,9}", raw.strip()):
        raw = int(raw)
    if isinstance(raw, bool) or not isinstance(raw, int) or raw < 1:
        msg = "a whole number, 1 or more"
        raise BadValueError(msg)
    return raw


def parse_seconds(raw: object) -> int:
    """Return a whole number of seconds; `90`, `90s`, `2m` and `1h` are understood."""
    if isinstance(raw, int) and not isinstance(raw, bool):
        raw = str(raw)
    match = (
        re.fullmatch(r"([0-9]{1,7})\s*([smh]?)", raw.strip().lower())
        if isinstance(raw, str)
        else None
    )
    if match is None or int(match[1]) < 1:
        msg = "a duration of a second or more, as 30, 30s, 2m or 1h"
        raise BadValueError(msg)
    return int(match[1]) * _TIME_UNITS[match[2]]


def parse_size(raw: object) -> int:
    """Return bytes; `1048576`, `512k`, `10m`, `2g` are understood, powers of 1024 as in Nginx."""
    if isinstance(raw, int) and not isinstance(raw, bool):
        raw = str(raw)
    text = raw.strip().lower() if isinstance(raw, str) else ""
    match = re.fullmatch(r"([0-9]{1,15})\s*([kmg]?)(?:i?b)?", text)
    if match is None or int(match[1]) < 1:
        msg = "a size, as 1048576, 512k, 10m or 2g"
        raise BadValueError(msg)
    return int(match[1]) * _SIZE_UNITS[match[2]]


def parse_address(raw: object) -> Address:
    """Return an address.

    `HOST:PORT`, `[IPV6]:PORT`, `:PORT` (every IPv4 address) and `PORT` (this machine only) are
    understood.
    """
    wanted = "HOST:PORT, as 127.0.0.1:8000, 0.0.0.0:80, [::]:80 or a port alone"
    text = str(raw) if isinstance(raw, int) and not isinstance(raw, bool) else parse_text(raw)
    match = re.fullmatch(r"(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:\[\]]*)):(?P<port>[0-9]{1,5})", text)
    if match is None and re.fullmatch(r"[0-9]{1,5}", text):
        host, port = "127.0.0.1", int(text)
    elif match is not None:
        host, port = match["six"] or match["host"] or "0.0.0.0", int(match["port"])  # noqa: S104 - asked for
    else:
        raise BadValueError(wanted)
    if not 1 <= port <= 65535:
        msg = "a port from 1 to 65535"
        raise BadValueError(msg)
    if host == "localhost":
        host = "127.0.0.1"
    try:
        host = str(ipaddress.ip_address(host))
    except ValueError:
        msg = f"an IP address before the port ({host!r} is none); 0.0.0.0 means every address"
        raise BadValueError(msg) from None
    return Address(host=host, port=port)


def parse_address_or_none(raw: object) -> Address | None:
    """Return an address, or None for `none`, which takes back what a weaker origin says."""
    return None if raw == "none" else parse_address(raw)


def parse_server_name(raw: object) -> str:
    """Return a host name in lower case, `*.example.com`, an IP address, or `*` for any."""
    text = parse_text(raw).lower().rstrip(".")
    if text == "*":
        return text
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        pass
    try:
        text = text.encode("idna").decode("ascii") if not text.isascii() else text
    except UnicodeError:
        text = ""
    if not _HOSTNAME.fullmatch(text):
        msg = "a host name, as example.com, *.example.com, or * for any"
        raise BadValueError(msg)
    return text


def parse_client(raw: object) -> str:
    """Return the IP address of a client, as Nginx writes it."""
    text = parse_text(raw)
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        msg = "the IP address of a client, as 203.0.113.7"
        raise BadValueError(msg) from None


def parse_network(raw: object) -> str:
    """Return an IP network in CIDR form; a single address is a network of one."""
    text = parse_text(raw)
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        msg = "an IP address or network, as 10.0.0.5 or 10.0.0.0/8"
        raise BadValueError(msg) from None


def parse_proxies(raw: object) -> str:
    """Return the network of proxies, which cannot be all of the world's."""
    network = parse_network(raw)
    if network.endswith("/0"):
        msg = "the addresses of your proxies; with all of the world's, anyone could forge theirs"
        raise BadValueError(msg)
    return network


def parse_path(raw: object) -> str:
    """Return a path that nginx.conf can hold: no `$`, which cannot be escaped, nor controls.

    https://nginx.org/en/docs/http/ngx_http_core_module.html#alias (it can contain variables)
    """
    text = parse_text(raw)
    if "$" in text:
        msg = "a path without '$', which nginx.conf has no way to write"
        raise BadValueError(msg)
    return os.path.expanduser(text)  # noqa: PTH111 - stays a string, pure


def parse_url_prefix(raw: object) -> str:
    """Return a URL prefix with a slash at both ends."""
    text = parse_text(raw)
    if not text.startswith("/") or re.search(r"[\s$;{}\"'\\?#]|//|/\.\.?(/|$)", text):
        msg = "a URL prefix as /static/, without spaces, quotes, '$', ';', braces or '..'"
        raise BadValueError(msg)
    return text if text.endswith("/") else text + "/"


def parse_prefix(raw: object) -> str:
    """Return the prefix that the app is mounted under, without its closing slash; `/` gives ``."""
    try:
        return parse_url_prefix(raw).rstrip("/")
    except BadValueError:
        msg = "a path that begins with '/', as /shop, without spaces, quotes, '$', ';' or '..'"
        raise BadValueError(msg) from None


def parse_page(raw: object) -> str:
    """Return the path of one page; with a closing slash it is another one to the app."""
    wanted = "the path of a page, as /-/live, without a query, spaces, quotes, '$', ';' or '..'"
    try:
        folder = parse_url_prefix(raw)
    except BadValueError:
        raise BadValueError(wanted) from None
    if folder == "/":
        raise BadValueError(wanted)
    return folder if parse_text(raw).endswith("/") else folder.rstrip("/")


def parse_url_directory(raw: object) -> UrlDirectory:
    """Return the pair of `URL=DIR`, or of a row in a TOML table."""
    wanted = "URL=DIR, as /static/=./static"
    url, directory = _pair(raw, wanted)
    try:
        pair = UrlDirectory(url=parse_url_prefix(url), directory=parse_path(directory))
    except BadValueError as error:
        msg = f"{wanted}, with {error}"
        raise BadValueError(msg) from None
    if pair.url == "/":
        msg = f"{wanted}; a folder at '/' would hide the whole app"
        raise BadValueError(msg)
    return pair


def _pair(raw: object, wanted: str) -> tuple[object, object]:
    """Return both sides of a text with an equals sign; a TOML table's row is a pair already."""
    if isinstance(raw, tuple):
        return raw[0], raw[1]
    left, equals, right = parse_text(raw).partition("=")
    if not equals:
        raise BadValueError(wanted)
    return left, right


def parse_command(raw: object) -> NamedCommand:
    """Return the command of `NAME=COMMAND`.

    In TOML the command may be a list of words, or a table with `command` and `unless`.
    """
    wanted = "NAME=COMMAND, as worker=celery -A shop worker"
    name, command = _pair(raw, wanted)
    if name == "app":
        msg = "another name than 'app', which the app's own lines have in the log"
        raise BadValueError(msg)
    unless = None
    if isinstance(command, dict):
        unless = _parse_unless(command)
        command = command.get("command")
    try:
        return NamedCommand(name=parse_name(name), words=parse_words(command), unless=unless)
    except BadValueError as error:
        msg = f"{wanted}, with {error}"
        raise BadValueError(msg) from None


def _parse_unless(table: dict[str, object]) -> str | None:
    unknown = sorted(table.keys() - {"command", "unless"})
    if unknown:
        msg = f"a table of command and unless, without {unknown[0]!r}"
        raise BadValueError(msg)
    if "command" not in table:
        msg = "a table of command and unless, which has no command yet"
        raise BadValueError(msg)
    if "unless" not in table:
        return None
    text = parse_text(table["unless"])
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        msg = "the name of an environment variable in unless, as MONGO_URL"
        raise BadValueError(msg)
    return text


def parse_words(raw: object) -> tuple[str, ...]:
    """Return the words of a command, which no shell will read."""
    if isinstance(raw, list) and raw:
        return tuple(map(parse_text, raw))
    try:
        words = shlex.split(parse_text(raw))
    except ValueError as error:
        if isinstance(error, BadValueError):
            raise
        msg = f"quotes that are closed ({error})"
        raise BadValueError(msg) from None
    signs = [word for word in words if word in _SHELL_SIGNS]
    if signs:
        msg = f"no {signs[0]!r}, because no shell reads it; for one write: sh -c '...'"
        raise BadValueError(msg)
    if not words or not words[0]:
        msg = "a program first"
        raise BadValueError(msg)
    return tuple(words)


def parse_choice(*choices: str) -> Callable[[object], str]:
    """Return a parser that takes one of `choices`."""

    def parse(raw: object) -> str:
        text = raw.strip().lower() if isinstance(raw, str) else ""
        if text not in choices:
            raise BadValueError("one of " + ", ".join(choices))
        return text

    return parse


def parse_name(raw: object) -> str:
    """Return a name for log lines, file names and Nginx's `upstream`."""
    text = parse_text(raw)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", text):
        msg = "a short name of letters, digits, '.', '_' and '-', as shop"
        raise BadValueError(msg)
    if text.lower() in RESERVED_NAMES:
        msg = f"another name than {text!r}, which Outrider uses itself"
        raise BadValueError(msg)
    return text
