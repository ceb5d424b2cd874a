"""Settings, and combinations of them, that cannot be used."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from outrider.errors.base import Exit, OutriderError

if TYPE_CHECKING:
    from outrider.settings import Setting


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


def _toml(text: str) -> str:
    """Return a text as TOML writes it, in the quotes that need no escape."""
    return f"'{text}'" if '"' in text or "\\" in text else f'"{text}"'


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


def processes_of_several(origin: str, count: int) -> OutriderError:
    """Extra processes that would belong to each of several sites, and start once for each."""
    return OutriderError(
        "processes-of-several",
        f"an extra process belongs to one site, and there are {count} of them",
        found=[f"{origin} is for all sites"],
        fix=["put the table into the [[site]] that needs it:  [site.processes]"],
        exit_code=Exit.SETTINGS,
    )


def process_twice(name: str, origin: str) -> OutriderError:
    """Two extra processes with one name; log lines could not be told apart."""
    return OutriderError(
        "process-twice",
        f"two extra processes are called {name!r}",
        found=[f"{origin} names both"],
        fix=["give one of them another name"],
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


def same_page(path: str, first: str, second: str) -> OutriderError:
    """Two settings name one page, which Nginx would have to answer in two ways."""
    return OutriderError(
        "same-page",
        f"{first} and {second} are one page",
        found=[f"both are {path}"],
        fix=[f"give one of them another path, for example  --{first.replace('_', '-')} /-/nginx"],
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


def two_configurations(directory: str) -> OutriderError:
    """Both outrider.toml and pyproject.toml hold settings."""
    return OutriderError(
        "two-configurations",
        "both outrider.toml and [tool.outrider] in pyproject.toml hold settings",
        found=[directory],
        fix=["keep one of them; outrider.toml is the one that containers copy easily"],
        exit_code=Exit.SETTINGS,
    )


def too_many_connections(
    clients: int, origin: str, workers: int, possible: int, open_files: int, wanted: int
) -> OutriderError:
    """More clients than descriptors: each has a connection, and perhaps a file and one to the app.

    https://man7.org/linux/man-pages/man2/getrlimit.2.html (RLIMIT_NOFILE)
    """
    return OutriderError(
        "too-many-connections",
        f"{clients} clients need more descriptors than there are",
        found=[
            f"{origin} is {clients}",
            f"a process may have {open_files}, and {workers} Nginx workers are the most here",
        ],
        fix=[
            f"ask for fewer:  --connections {possible}",
            f"or raise the limit before the start:  ulimit -n {wanted}",
        ],
        exit_code=Exit.SETTINGS,
    )
