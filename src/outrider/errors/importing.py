"""The app was found, and importing it failed or gave no app that can be served."""

from __future__ import annotations

import shlex

from outrider.errors.base import Exit, OutriderError, quoted


def import_raised(target: str, exception: str, traceback: str) -> OutriderError:
    """The user's module, or its factory, raised; the traceback is theirs."""
    return OutriderError(
        "import-raised",
        f"loading {target} raised {exception}",
        found=[traceback],
        fix=["correct the last line of yours in the traceback above; nothing was started"],
        exit_code=Exit.IMPORT,
    )


def missing_dependency(
    target: str, name: str, python: str, origin: str, traceback: str
) -> OutriderError:
    """The app imports a package that its interpreter does not have."""
    package = name.partition(".")[0]
    return OutriderError(
        "missing-dependency",
        f"{target} needs {package!r}, which its Python does not have",
        found=[traceback, f"Python: {python} ({origin})"],
        fix=[
            f"install it there:  {shlex.quote(python)} -m pip install {package}",
            "or name the Python that has it:  --python PATH",
        ],
        exit_code=Exit.IMPORT,
    )


def import_takes_too_long(target: str, timeout_s: float, output: str) -> OutriderError:
    """Importing the app did not end in time."""
    return OutriderError(
        "import-hangs",
        f"importing {target} took longer than {timeout_s:g} s and was stopped",
        found=[output] if output else ["it printed nothing"],
        fix=[
            "look for a loop, a server or a connection without a time limit at module level",
            f"or give it longer:  --boot-timeout {timeout_s * 2:g}",
        ],
        exit_code=Exit.IMPORT,
    )


def import_ended(target: str, how: str, output: str, python: str, module: str) -> OutriderError:
    """The interpreter ended while it imported the app (a crash, os._exit)."""
    return OutriderError(
        "import-ended",
        f"Python ended while importing {target}: {how}",
        found=[output] if output else ["it printed nothing"],
        fix=[
            f"look by hand:  {shlex.quote(python)} -X faulthandler -c 'import {module}'",
        ],
        exit_code=Exit.IMPORT,
    )


def starts_server(target: str, file: str, line: int, code: str) -> OutriderError:
    """The module starts a server of its own when it is imported, so that the import never ends."""
    return OutriderError(
        "starts-server",
        f"{target} starts a server of its own when it is imported",
        found=[f"{file}, line {line}:  {code}"],
        fix=['put that line under  if __name__ == "__main__":'],
        exit_code=Exit.IMPORT,
    )


def django_settings(
    module: str, exception: str, traceback: str, variable: str | None, *, is_missing: bool
) -> OutriderError:
    """The settings of a Django project cannot be imported; the traceback is theirs."""
    if is_missing:
        fix = [
            "name settings that exist:  export DJANGO_SETTINGS_MODULE=mysite.settings",
            "or leave it to the project:  unset DJANGO_SETTINGS_MODULE",
        ]
    elif variable:
        fix = [
            f"set the variable that they read:  export {variable}=...",
            f"or keep it in a file, as a line {variable}=...:  outrider run --env-file .env",
        ]
    else:
        fix = ["correct the last line of yours in the traceback above; nothing was started"]
    return OutriderError(
        "django-settings",
        f"importing the Django settings {module!r} raised {exception}",
        found=[traceback],
        fix=fix,
        exit_code=Exit.IMPORT,
    )


def no_django_application(settings: str, label: str) -> OutriderError:
    """A Django project without the wsgi.py or asgi.py that `startproject` writes."""
    package = settings.partition(".")[0]
    return OutriderError(
        "no-django-application",
        f"the Django project of {label} has no wsgi.py or asgi.py",
        found=[f"neither lies beside {settings}, which sets no WSGI_APPLICATION"],
        fix=[
            f"write {package}/wsgi.py, as django-admin startproject does",
            f"or name the settings:  export DJANGO_SETTINGS_MODULE={settings}",
            'and the function:  outrider run "django.core.wsgi:get_wsgi_application()"',
        ],
        exit_code=Exit.NOT_AN_APP,
    )


def not_installed(label: str, name: str, python: str, origin: str) -> OutriderError:
    """A PasteDeploy file names the package of the project, and it is not installed."""
    return OutriderError(
        "project-not-installed",
        f"{label} uses the package {name!r}, which is not installed",
        found=[f"Python: {python} ({origin})"],
        fix=[f"install the project there:  {shlex.quote(python)} -m pip install -e ."],
        exit_code=Exit.IMPORT,
    )


def aiohttp_app(target: str) -> OutriderError:
    """An aiohttp application is neither WSGI nor ASGI: it needs aiohttp's own server.

    https://docs.aiohttp.org/en/stable/deployment.html
    """
    return OutriderError(
        "aiohttp",
        f"{target} is an aiohttp application, which is neither WSGI nor ASGI",
        found=["it has a server of its own, and no other server can call it"],
        fix=[
            f"use aiohttp's own worker:  gunicorn -k aiohttp.GunicornWebWorker {quoted(target)}",
            "or name a WSGI or ASGI callable of the project:  outrider run module:app",
        ],
        exit_code=Exit.NOT_AN_APP,
    )


def socketio_mode(mode: str, target: str) -> OutriderError:
    """Flask-SocketIO is set to green threads, which Gunicorn's own workers do not have.

    https://flask-socketio.readthedocs.io/en/latest/deployment.html#gunicorn-web-server
    """
    return OutriderError(
        "socketio-mode",
        f"the Socket.IO server of {target} is in {mode} mode, and Outrider runs threads",
        found=[f"async_mode is {mode!r}; it is chosen by itself when {mode} is installed"],
        fix=[
            'give it another:  SocketIO(app, async_mode="threading")',
            f"or take the package out of the app's environment:  pip uninstall {mode}",
        ],
        exit_code=Exit.NOT_AN_APP,
    )


def factory_arguments(module: str, factory: str, signature: str, message: str) -> OutriderError:
    """The factory cannot be called as it was."""
    return OutriderError(
        "factory-arguments",
        f"the factory {factory!r} of {module!r} cannot be called like that",
        found=[f"its signature is {factory}{signature}", message],
        fix=[f'give the arguments, as  outrider run \'{module}:{factory}("value", key="value")\''],
        exit_code=Exit.NOT_AN_APP,
    )


def not_an_app(target: str, kind: str, why: str, call: str = "") -> OutriderError:
    """The target exists, but is no WSGI or ASGI callable."""
    return OutriderError(
        "not-an-app",
        f"{target} is not a WSGI or ASGI app",
        found=[f"it is {kind}: {why}"],
        fix=[
            f"have it called:  outrider run {quoted(call)}"
            if call
            else "name the app object itself, as  outrider run module:app"
        ],
        exit_code=Exit.NOT_AN_APP,
    )


def gunicorn_too_old_for_asgi(
    target: str, framework: str, python: str, version: str, floor: str, *, can_upgrade: bool = True
) -> OutriderError:
    """The app is ASGI, and this Gunicorn's own ASGI worker is missing or not yet right."""
    upgrade = f"{shlex.quote(python)} -m pip install --upgrade 'gunicorn>={floor}'"
    elsewhere = [
        "use a Python of 3.10 or newer, which that Gunicorn needs:  --python PATH",
        "or another server:  --server uvicorn",
    ]
    return OutriderError(
        "gunicorn-too-old-for-asgi",
        f"{target} is an ASGI app, which needs Gunicorn {floor} or newer",
        found=[f"it is {framework}", f"{python} has Gunicorn {version}"],
        fix=[upgrade] if can_upgrade else elsewhere,
        exit_code=Exit.GUNICORN,
    )
