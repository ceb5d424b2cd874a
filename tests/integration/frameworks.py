"""The table of frameworks: apps as their users write them, and what each of them has.

Every app greets at `/`, tells the URL of a horse at `/share` and the client at `/whoami`, and
raises at `/fails`; a row says what else there is. The `minimal` ones are one file; the `realistic`
ones have the layout that the framework's own generator or tutorial makes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


_ADMIN = "site-packages/django/contrib/admin/static/admin"


@dataclass(frozen=True, kw_only=True)
class App:
    """One row: an app in tests/apps.

    Attributes:
        name: of the folder, behind `framework_`.
        is_asgi: which interface it has; it is found out by looking, never told.
        has_views: whether it has the views of this file's first lines.
        static: what Nginx is to serve: URL -> file in the project, or in the environment.
        static_at_root: the same beside the app's pages; below a prefix the app serves these.
        static_in_view: what only the app can serve, because a view of its own finds it.
        uploads_to_media: `POST /new` takes a picture and answers with a URL that Nginx serves.
        streams: `/events` sends one event, and the next one after `POST /finish`.
        sees_leaving: and it prints a line when the listener leaves before that.
        websocket: `/ws` says hello to the client's address, then is an echo.
        socketio: the same, by Socket.IO's events.
        lifespan: its startup puts a word at `/crew`, its shutdown prints one.
        finds_everything: it has a page for every URL, so that none is missing.
        mounts: it can live below a prefix.
        before: what its users type before they start it, behind `python`.
    """

    name: str
    is_asgi: bool = False
    has_views: bool = True
    static: Mapping[str, str] = field(default_factory=dict)
    static_at_root: Mapping[str, str] = field(default_factory=dict)
    static_in_view: Mapping[str, str] = field(default_factory=dict)
    uploads_to_media: bool = False
    streams: bool = False
    sees_leaving: bool = False
    websocket: bool = False
    socketio: bool = False
    lifespan: bool = False
    finds_everything: bool = False
    mounts: bool = False
    before: tuple[tuple[str, ...], ...] = ()

    @property
    def folder(self) -> str:
        """The folder in tests/apps."""
        return f"framework_{self.name}"

    @property
    def interface(self) -> str:
        """As servers name it."""
        return "asgi" if self.is_asgi else "wsgi"


APPS = (
    App(name="django_minimal", streams=True),
    App(
        name="django_realistic",
        static={
            "/static/horses/style.css": "horses/static/horses/style.css",
            "/static/admin/css/base.css": f"{_ADMIN}/css/base.css",
        },
        uploads_to_media=True,
        mounts=True,
        before=(("manage.py", "migrate", "--verbosity", "0"),),
    ),
    App(
        name="channels_realistic",
        is_asgi=True,
        static={"/static/chat/style.css": "chat/static/chat/style.css"},
        streams=True,
        websocket=True,
        mounts=True,
    ),
    App(name="flask_minimal", streams=True),
    App(
        name="flask_realistic",
        static={"/static/style.css": "inn/static/style.css"},
        uploads_to_media=True,
        streams=True,
        mounts=True,
    ),
    App(name="quart_minimal", is_asgi=True, streams=True, websocket=True, lifespan=True),
    App(
        name="quart_realistic",
        is_asgi=True,
        static={"/static/style.css": "src/inn/static/style.css"},
        websocket=True,
        lifespan=True,
        mounts=True,
    ),
    App(
        name="starlette_minimal",
        is_asgi=True,
        streams=True,
        sees_leaving=True,
        websocket=True,
        lifespan=True,
    ),
    App(
        name="starlette_realistic",
        is_asgi=True,
        static={"/static/css/style.css": "statics/css/style.css"},
        websocket=True,
        lifespan=True,
        mounts=True,
    ),
    App(
        name="fastapi_minimal",
        is_asgi=True,
        streams=True,
        sees_leaving=True,
        websocket=True,
        lifespan=True,
    ),
    App(
        name="fastapi_realistic",
        is_asgi=True,
        static={"/static/style.css": "app/static/style.css"},
        streams=True,
        sees_leaving=True,
        websocket=True,
        lifespan=True,
        mounts=True,
    ),
    App(name="litestar_minimal", is_asgi=True, streams=True, websocket=True, lifespan=True),
    App(
        name="litestar_realistic",
        is_asgi=True,
        static={"/static/style.css": "assets/style.css"},
        websocket=True,
        lifespan=True,
        mounts=True,
    ),
    App(name="falcon_wsgi_minimal", streams=True),
    App(
        name="falcon_wsgi_realistic",
        static={"/static/style.css": "static/style.css"},
        mounts=True,
    ),
    App(name="falcon_asgi_minimal", is_asgi=True, streams=True, websocket=True, lifespan=True),
    App(
        name="falcon_asgi_realistic",
        is_asgi=True,
        static={"/static/style.css": "static/style.css"},
        websocket=True,
        lifespan=True,
        mounts=True,
    ),
    App(name="bottle_minimal", streams=True),
    App(
        name="bottle_realistic",
        static_in_view={"/static/style.css": "static/style.css"},
        mounts=True,
    ),
    App(name="pyramid_minimal", streams=True),
    App(
        name="pyramid_realistic",
        static={"/static/theme.css": "inn/static/theme.css"},
        mounts=True,
        # `pip install -e .` does this, and `use = egg:inn` in its .ini file needs it.
        before=(("setup.py", "--quiet", "egg_info"),),
    ),
    App(name="cherrypy_minimal", streams=True),
    App(
        name="cherrypy_realistic",
        static={"/static/css/style.css": "public/css/style.css"},
        mounts=True,
    ),
    App(name="dash_minimal", has_views=False, finds_everything=True),
    App(
        name="dash_realistic",
        static={"/assets/style.css": "assets/style.css"},
        finds_everything=True,
        mounts=True,
    ),
    App(name="flask_socketio_minimal", socketio=True),
    App(
        name="flask_socketio_realistic",
        static={"/static/style.css": "app/static/style.css"},
        socketio=True,
        mounts=True,
    ),
    App(name="whitenoise_minimal", static={"/static/style.css": "static/style.css"}),
    App(
        name="whitenoise_realistic",
        static={"/static/style.css": "static/style.css"},
        static_at_root={"/robots.txt": "public/robots.txt"},
        mounts=True,
    ),
    App(name="wsgi_minimal", streams=True),
    App(name="wsgi_realistic", mounts=True),
    App(name="asgi_minimal", is_asgi=True, streams=True, websocket=True, lifespan=True),
    App(name="asgi_realistic", is_asgi=True, mounts=True),
)

BELOW_A_PREFIX_ON_EACH_SERVER = ("flask_realistic", "fastapi_realistic")
"""One for each interface."""

REFUSED = {"aiohttp_minimal": (), "aiohttp_realistic": ("polls.main:init_app()",)}
"""Folders of apps that speak neither WSGI nor ASGI, and what has to be named in them."""
