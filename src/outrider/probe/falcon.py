"""Facts from Falcon: https://falcon.readthedocs.io/en/stable/api/app.html#falcon.App.add_static_route."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .layer import Layer, folder, is_a

if TYPE_CHECKING:
    from collections.abc import Iterator


def is_app(value: object) -> bool:
    return is_a(value, "falcon", "App", "API")


def configuration(_app: Any) -> dict[str, Any]:
    # Falcon limits nothing: a resource reads as much of the body as it likes.
    return {"max_content_length": None, "limit_source": ""}


def static_folders(layers: list[Layer]) -> Iterator[dict[str, Any]]:
    for layer in layers:
        routes = getattr(layer.app, "_static_routes", ()) if is_app(layer.app) else ()
        for entry in routes:
            route = entry[0] if isinstance(entry, tuple) else entry
            url = getattr(route, "_prefix", "")
            # A base class of Falcon's sends a file and does nothing else.
            if not type(route).__module__.startswith("falcon.") or not url.startswith("/"):
                continue
            yield folder(
                layer.prefix + url,
                route._directory,  # noqa: SLF001 - there is no other way to learn it
                f"static route {url}",
                guard="its files are sent as attachments" if route._downloadable else None,  # noqa: SLF001
                hook=next(_hooks(layer.app), None),
                falls_back=url == "/" or bool(getattr(route, "_fallback_filename", None)),
            )


def _hooks(app: Any) -> Iterator[str]:
    for one in getattr(app, "_unprepared_middleware", ()):
        if hasattr(one, "process_request") and type(one).__name__ != "CORSMiddleware":
            yield f"{type(one).__name__}.process_request runs"
