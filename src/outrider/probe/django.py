"""Facts from Django: where its application is, and what its settings say.

https://docs.djangoproject.com/en/stable/ref/settings/
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .failure import Failure
from .layer import Layer, absolute, folder, is_a

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = "DJANGO_SETTINGS_MODULE"
HARMLESS = (
    "django.",
    "whitenoise.",
    "corsheaders.",
    "allauth.",
    "debug_toolbar.",
    "django_htmx.",
    "simple_history.",
)
"""Middleware that lets everyone have static files."""
OFF_THIS_HOST = "the files are not stored on this machine"


def is_app(value: object) -> bool:
    return is_a(value, "django", "WSGIHandler", "ASGIHandler")


# -- where the application is --------------------------------------------------------------------


def entries(settings_module: str, import_root: str) -> dict[str, str]:
    """Return the modules that `startproject` puts beside the settings: {"wsgi": "mysite.wsgi"}.

    Settings may be a package (`config.settings.production`), so the folders above count as well.

    Args:
        settings_module: the one that manage.py names; DJANGO_SETTINGS_MODULE counts for more.
        import_root: where manage.py lies.
    """
    for module in (os.environ.get(VARIABLE, ""), settings_module):
        names = module.split(".")
        for count in range(len(names), 0, -1):
            package = Path(import_root, *names[:count])
            found = [one for one in ("wsgi", "asgi") if Path(package, f"{one}.py").is_file()]
            if found and module:
                return {one: ".".join([*names[:count], one]) for one in found}
    return {}


def named_in_settings(settings_module: str) -> dict[str, str]:
    """Return WSGI_APPLICATION and ASGI_APPLICATION as modules, when none lies beside the settings.

    Raises:
        Failure: the settings name none either.
    """
    os.environ[VARIABLE] = os.environ.get(VARIABLE) or settings_module
    settings = import_module("django.conf").settings
    found = {}
    for kind in ("wsgi", "asgi"):
        dotted = getattr(settings, f"{kind.upper()}_APPLICATION", None)
        if dotted:
            found[kind] = dotted.rpartition(".")[0]
    if not found:
        raise Failure("no-django-application", settings=os.environ[VARIABLE])
    return found


def wants_asgi() -> bool:
    """Tell whether the project that was just imported needs ASGI: Channels, or nothing else set."""
    settings = sys.modules["django.conf"].settings
    if {"channels", "daphne"} & set(settings.INSTALLED_APPS):
        return True
    return not settings.WSGI_APPLICATION and bool(getattr(settings, "ASGI_APPLICATION", None))


def settings_failure(exc: BaseException) -> dict[str, Any] | None:
    """Return what is known of an exception that comes from importing the settings, else None."""
    conf = sys.modules.get("django.conf")
    if conf is None or conf.settings.configured or not os.environ.get(VARIABLE):
        return None
    frames = exc.__traceback__
    while frames is not None and frames.tb_frame.f_globals.get("__name__") != "django.conf":
        frames = frames.tb_next
    if frames is None:
        return None
    module = os.environ[VARIABLE]
    missing = exc.name if isinstance(exc, ModuleNotFoundError) else None
    return {
        "module": module,
        "is_missing": bool(missing) and f"{module}.".startswith(f"{missing}."),
        "variable": _variable(exc),
    }


def _variable(exc: BaseException) -> str | None:
    """Return the environment variable that the settings miss."""
    frames = exc.__traceback__
    while frames is not None and frames.tb_next is not None:
        frames = frames.tb_next
    is_environ = frames is not None and frames.tb_frame.f_globals.get("__name__") == "os"
    if isinstance(exc, KeyError) and is_environ:
        return str(exc.args[0])
    # django-environ and python-decouple.
    match = re.search(r"\b([A-Z][A-Z0-9_]{2,})\b", str(exc))
    return match[1] if match and re.search("environment variable|envvar", str(exc)) else None


# -- configuration -------------------------------------------------------------------------------


def configuration(_app: Any) -> dict[str, Any]:
    settings = sys.modules["django.conf"].settings
    hosts = list(settings.ALLOWED_HOSTS)
    if settings.DEBUG and not hosts:
        # https://docs.djangoproject.com/en/stable/ref/settings/#allowed-hosts
        hosts = [".localhost", "127.0.0.1", "[::1]"]
    return {
        **_limit(settings),
        "application_root": settings.FORCE_SCRIPT_NAME,
        "prefix_source": "FORCE_SCRIPT_NAME",
        "trusted_hosts": hosts,
        "hosts_source": "ALLOWED_HOSTS"
        if settings.ALLOWED_HOSTS
        else "ALLOWED_HOSTS is empty and DEBUG is True",
        "is_debug": bool(settings.DEBUG),
        "debug_source": "settings.DEBUG is True",
        "settings_module": getattr(settings, "SETTINGS_MODULE", None),
        "collect": _collect(settings),
    }


def _limit(settings: Any) -> dict[str, Any]:
    """Return the limit of forms, which is that of all bodies only when no file is taken.

    https://docs.djangoproject.com/en/stable/ref/settings/#data-upload-max-memory-size
    """
    size = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    name = "DATA_UPLOAD_MAX_MEMORY_SIZE"
    if size is None or not settings.FILE_UPLOAD_HANDLERS:
        return {"max_content_length": size, "limit_source": name}
    note = f"{name} does not count uploaded files; Nginx spools bodies to disk"
    return {"max_content_length": None, "limit_source": name, "limit_note": note}


def _collect(settings: Any) -> dict[str, Any] | None:
    if "django.contrib.staticfiles" not in settings.INSTALLED_APPS or not _path(settings, "STATIC"):
        return None
    root = settings.STATIC_ROOT or None
    root = absolute(root) if root else None
    is_empty = True
    if root:
        with contextlib.suppress(OSError):
            is_empty = next(Path(root).iterdir(), None) is None
    return {
        "settings_module": getattr(settings, "SETTINGS_MODULE", ""),
        "static_root": root,
        "is_empty": is_empty,
        "is_local": _stores_static_files_here(),
    }


def _stores_static_files_here() -> bool:
    try:
        storage = import_module("django.contrib.staticfiles.storage")
        return isinstance(storage.staticfiles_storage, storage.StaticFilesStorage)
    except Exception:
        return False


# -- folders -------------------------------------------------------------------------------------


def static_folders(layers: list[Layer]) -> Iterator[dict[str, Any]]:
    for layer in layers:
        if is_app(layer.app):
            settings = sys.modules["django.conf"].settings
            yield from _static(layer, settings)
            yield from _whitenoise(layer, settings)


def _static(layer: Layer, settings: Any) -> Iterator[dict[str, Any]]:
    url = _path(settings, "STATIC")
    collect = _collect(settings)
    if not url or (collect is None and not settings.STATIC_ROOT) or url == "/":
        return
    if collect is not None and not collect["is_local"]:
        return
    told = folder(
        layer.prefix + url,
        settings.STATIC_ROOT or "",
        "STATIC_ROOT",
        hook=next(_hooks(settings), None),
        # With WhiteNoise or another middleware the app has more than was collected.
        falls_back=_has_whitenoise(settings),
        ignores_prefix=_raw(settings, "STATIC_URL").startswith("/"),
        is_default=True,
    )
    # Not set: there is no folder until collectstatic is told of one.
    yield told if settings.STATIC_ROOT else {**told, "directory": ""}


def _whitenoise(layer: Layer, settings: Any) -> Iterator[dict[str, Any]]:
    root = getattr(settings, "WHITENOISE_ROOT", None)
    if root and _has_whitenoise(settings):
        yield folder(f"{layer.prefix}/", root, "WHITENOISE_ROOT", falls_back=True)


def _has_whitenoise(settings: Any) -> bool:
    return any(one.startswith("whitenoise.") for one in settings.MIDDLEWARE or ())


def _hooks(settings: Any) -> Iterator[str]:
    if not _has_whitenoise(settings):
        return  # then no middleware ever sees a request for a static file
    for one in settings.MIDDLEWARE or ():
        if one.startswith("whitenoise."):
            return
        if not one.startswith(HARMLESS):
            yield f"the middleware {one.rpartition('.')[2]} runs"


def media_folders(layers: list[Layer]) -> Iterator[dict[str, Any]]:
    """Yield MEDIA_ROOT, which is public by convention when MEDIA_URL is a path of this site.

    https://docs.djangoproject.com/en/stable/howto/static-files/deployment/
    """
    for layer in layers:
        if not is_app(layer.app):
            continue
        settings = sys.modules["django.conf"].settings
        url = _path(settings, "MEDIA")
        if url and url != "/" and settings.MEDIA_ROOT and _stores_uploads_here():
            yield {
                "directory": absolute(settings.MEDIA_ROOT),
                "source": "MEDIA_ROOT",
                "url": layer.prefix + url,
                "guard": None,
                "ignores_prefix": _raw(settings, "MEDIA_URL").startswith("/"),
            }


def _stores_uploads_here() -> bool:
    try:
        storage = import_module("django.core.files.storage")
        return isinstance(storage.default_storage, storage.FileSystemStorage)
    except Exception:
        return False


def _raw(settings: Any, name: str) -> str:
    """Return a URL as it was set; the attribute has FORCE_SCRIPT_NAME before it."""
    return str(getattr(settings._wrapped, name, None) or "")  # noqa: SLF001 - as above


def _path(settings: Any, kind: str) -> str:
    """Return the path of STATIC_URL or MEDIA_URL with slashes, empty when another host has it."""
    url = _raw(settings, f"{kind}_URL")
    if not url or urlsplit(url).netloc:
        return ""
    return f"/{url.strip('/')}/".replace("//", "/")
