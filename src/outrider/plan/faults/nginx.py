"""Faults of a configuration of Nginx."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from outrider.plan.faults.fault import Fault
from outrider.plan.roles import upstreams

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outrider.handwritten import Directive, StartingPoint
    from outrider.plan.roles import Roles


def wrong_port(start: StartingPoint, roles: Roles) -> Iterator[Fault]:
    """Nginx asks at another port than the one that the server binds."""
    port = roles.command.port
    own = {"localhost", "127.0.0.1", *([roles.app.name] if roles.app else [])}
    for _, host, asked in upstreams(start):
        if port and host in own and asked != port:
            yield Fault(
                id="wrong-port",
                where=roles.command_source,
                found=f"{roles.command.program} listens on {port}, and Nginx asks {host}:{asked}",
                consequence="every page is a 502",
                instead="both are written from one value",
            )


def path_in_proxy_pass(start: StartingPoint, _: Roles) -> Iterator[Fault]:
    """https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass."""
    for one in start.all("proxy_pass"):
        if "$" not in one.words[0] and urlsplit(one.words[0]).path:
            yield Fault(
                id="path-in-proxy-pass",
                where=one.where,
                found=f"{one} ends with a path",
                consequence="the app gets paths decoded and normalised: %2F and // break",
                instead="proxy_pass has no path: the app gets the path as it was sent",
            )


def location_without_slash(start: StartingPoint, _: Roles) -> Iterator[Fault]:
    """https://github.com/yandex/gixy/blob/master/docs/en/plugins/aliastraversal.md."""
    for one in _folders(start):
        path = one.words[-1]
        if len(one.words) == 1 and not path.endswith("/"):
            (alias,) = [inner for inner in one.block or () if inner.name in ("alias", "root")][:1]
            leaks = alias.name == "alias" and alias.words[0].endswith("/")
            also = "files beside the folder are sent" if leaks else "the app's own page is hidden"
            yield Fault(
                id="location-without-slash",
                where=one.where,
                found=f"{one} has no closing slash",
                consequence=f"{path}foo is taken for a file as well: {also}",
                instead=f"location {path}/",
            )


def no_forwarded_scheme(start: StartingPoint, _: Roles) -> Iterator[Fault]:
    """The app cannot know whether the client came by HTTPS."""
    headers = [one.words[0].lower() for one in start.all("proxy_set_header") if one.words]
    passes = start.all("proxy_pass")
    if passes and "x-forwarded-proto" not in headers:
        yield Fault(
            id="no-forwarded-scheme",
            where=passes[0].where,
            found="X-Forwarded-Proto is not set",
            consequence="redirects lead to http://, and any client may claim a scheme",
            instead="every forwarding header is set or cleared",
        )


def appended_client_address(start: StartingPoint, _: Roles) -> Iterator[Fault]:
    """What the client sent comes first in the list, where many apps look."""
    for one in start.all("proxy_set_header"):
        if "$proxy_add_x_forwarded_for" in one.words:
            yield Fault(
                id="appended-client-address",
                where=one.where,
                found="$proxy_add_x_forwarded_for keeps what the client wrote into the header",
                consequence="client addresses are forged in logs, limits and bans",
                instead="X-Forwarded-For is the address of the connection; --trusted-proxy names "
                "proxies in front",
            )


def no_body_limit(start: StartingPoint, _: Roles) -> Iterator[Fault]:
    """https://nginx.org/en/docs/http/ngx_http_core_module.html#client_max_body_size."""
    passes = start.all("proxy_pass", "uwsgi_pass")
    if passes and not start.all("client_max_body_size"):
        yield Fault(
            id="no-body-limit",
            where=_file(passes[0]),
            found="there is no client_max_body_size",
            consequence="uploads over 1 MB get a 413",
            instead="client_max_body_size is the app's own limit, or --body-limit",
        )


_UPSTREAM_LIMITS = ("proxy_connect_timeout", "proxy_read_timeout", "proxy_buffer_size")


def no_upstream_limits(start: StartingPoint, _: Roles) -> Iterator[Fault]:
    """What Nginx takes by itself fits few apps."""
    passes = start.all("proxy_pass")
    missing = [name for name in _UPSTREAM_LIMITS if not start.all(name)]
    if passes and missing:
        yield Fault(
            id="no-upstream-limits",
            where=_file(passes[0]),
            found=f"there is no {', '.join(missing)}",
            consequence="large cookies are a 502, and what takes 60 s a 504 that no log explains",
            instead="time limits follow the server's own, and headers may have 16 kB",
        )


def no_compression(start: StartingPoint, _: Roles) -> Iterator[Fault]:
    """Static files as large as they are, and asked for again on every page."""
    folders = _folders(start)
    missing = [] if start.all("gzip") else ["gzip"]
    cached = [one for one in start.all("add_header") if "cache-control" in str(one).lower()]
    missing += [] if cached or start.all("expires") else ["Cache-Control"]
    if folders and missing:
        yield Fault(
            id="no-compression",
            where=_file(folders[0]),
            found=f"there is no {' and no '.join(missing)}",
            consequence="static files are slow, and browsers guess how long to keep them",
            instead="static text is compressed, and Cache-Control says what may be kept",
        )


def no_tls(start: StartingPoint, _: Roles) -> Iterator[Fault]:
    """Everything that a client sends can be read on the way."""
    listens = start.all("listen")
    if listens and not any({"ssl", "quic"} & set(one.words) for one in listens):
        yield Fault(
            id="no-tls",
            where=listens[0].where,
            found="nothing listens for HTTPS",
            consequence="passwords and cookies travel in the clear",
            instead="still HTTP: put a proxy with a certificate in front, name it with "
            "--trusted-proxy, and publish on 127.0.0.1 with --bind",
            is_corrected=False,
        )


def no_default_server(start: StartingPoint, _: Roles) -> Iterator[Fault]:
    """The first server answers for every name that is in no other."""
    named = [one for one in start.all("server_name") if one.words and one.words[0] not in ("_", "")]
    if named and not any("default_server" in one.words for one in start.all("listen")):
        yield Fault(
            id="no-default-server",
            where=named[0].where,
            found=f"{named[0]} is the first server, and no other is the default",
            consequence="it answers under any name, which apps write into links and mails",
            instead="still any name; with --server-name, others get a 421",
            is_corrected=False,
        )


def resolved_once(start: StartingPoint, _: Roles) -> Iterator[Fault]:
    """https://nginx.org/en/docs/http/ngx_http_upstream_module.html#resolve."""
    resolved = [one for one in start.all("server") if "resolve" in one.words]
    for one, host, _port in upstreams(start):
        if not resolved and "$" not in host and not _is_here(host):
            yield Fault(
                id="resolved-once",
                where=one.where,
                found=f"Nginx looks {host} up once, when it starts",
                consequence="502 after that container is replaced, until Nginx is restarted, and "
                "no start at all while it is away",
                instead="the name is looked up again every 2 s",
            )


def log_in_file(start: StartingPoint, _: Roles) -> Iterator[Fault]:
    """https://docs.docker.com/engine/logging/#view-container-logs."""
    for one in start.all("access_log"):
        if one.words and one.words[0].startswith("/") and not one.words[0].startswith("/dev/"):
            yield Fault(
                id="log-in-file",
                where=one.where,
                found=f"{one} is a file inside the container",
                consequence="the disk fills and `docker logs` is empty, unless the image links it",
                instead="logs go to the output of the container, and are rotated",
            )


def _folders(start: StartingPoint) -> list[Directive]:
    """Return the locations of which Nginx sends files."""
    return [
        one
        for one in start.all("location")
        if one.words and any(inner.name in ("alias", "root") for inner in one.block or ())
    ]


def _file(directive: Directive) -> str:
    return directive.path.rpartition("/")[2]


def _is_here(host: str) -> bool:
    if host in ("localhost", "unix", ""):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


FAULTS = (
    wrong_port,
    path_in_proxy_pass,
    location_without_slash,
    no_forwarded_scheme,
    appended_client_address,
    no_body_limit,
    no_upstream_limits,
    no_compression,
    no_tls,
    no_default_server,
    resolved_once,
    log_in_file,
)
