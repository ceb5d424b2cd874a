"""Dockerfile, .dockerignore, and the files that both images are given."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING

from outrider import errors
from outrider.packages import ALPINE
from outrider.render import gunicorn
from outrider.render.artifact import Artifact, Comment, environment, stamped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from outrider.facts import NodeBuild
    from outrider.site import Site
    from outrider.stack import BuildSecret, BuildStep, Image, SystemPackages

PROJECT = "/srv/app"
OUTRIDER = "/srv/outrider"
RUN = "/run/outrider"
PYTHON = "/opt/venv/bin/python"
APP_PORT, PROXY_PORT = 8000, 8080
APP_ID = 10001
FOLDER = "deploy"
_BARE = re.compile(r"[A-Za-z0-9_./:@-]+")

_NODE = {
    # How each installs what its lock file says, what it does without one, and its cache.
    "npm": (("npm", "ci"), ("npm", "install"), "/root/.npm"),
    "pnpm": (
        ("pnpm", "install", "--frozen-lockfile"),
        ("pnpm", "install"),
        "/root/.local/share/pnpm/store",
    ),
    "yarn": (
        ("yarn", "install", "--frozen-lockfile"),
        ("yarn", "install"),
        "/usr/local/share/.cache",
    ),
}


class Word(str):
    """Text that is in the Dockerfile's syntax already."""

    __slots__ = ()


def quote(value: object) -> str:
    """Return a value as it may stand in a Dockerfile outside of quotes: names, and nothing else.

    Everything that comes from the user passes through one of the functions below instead.
    """
    if isinstance(value, (Comment, Word)) or (
        isinstance(value, int) and not isinstance(value, bool)
    ):
        return str(value)
    if isinstance(value, str) and _BARE.fullmatch(value):
        return value
    msg = f"no syntax is defined for {value!r}"
    raise TypeError(msg)


# -- the Dockerfile's own quoting ------------------------------------------------------------------


def words(argv: Sequence[str]) -> Word:
    """Return a command in the exec form, in which nothing is replaced and no shell is asked."""
    return Word(json.dumps(list(argv), ensure_ascii=False))


def env(pairs: Iterable[tuple[str, str]]) -> Word:
    """Return ENV with its values in quotes: https://docs.docker.com/reference/dockerfile/#env."""
    settings = (f"{name}={_in_quotes(value)}" for name, value in pairs)
    return Word("ENV " + " \\\n    ".join(settings))


def _in_quotes(value: str) -> str:
    return '"' + re.sub(r'(["\\$])', r"\\\1", _printable(value)) + '"'


def path(*parts: str) -> Word:
    """Return a path for WORKDIR, which replaces variables."""
    return Word(re.sub(r"([$\\\"' ])", r"\\\1", _printable(posixpath.join(*parts).rstrip("/"))))


def copy(sources: Sequence[str], to: str) -> Word:
    """Return COPY of files of the project; a folder is copied with what is in it."""
    return Word("COPY " + json.dumps([*map(_source, sources), _literal(to)], ensure_ascii=False))


def copy_from(stage: str, source: str, to: str) -> Word:
    """Return COPY of a folder of another stage."""
    paths = json.dumps([_source(f"{source}/"), _literal(f"{to}/")], ensure_ascii=False)
    return Word(f"COPY --from={stage} {paths}")


def _source(name: str) -> str:
    """Return a path that stands for itself alone: sources are patterns, as Go's filepath.Match."""
    return _literal(re.sub(r"([*?\[])", r"[\1]", name))


def _literal(name: str) -> str:
    """Return a path in which no variable is replaced and no quote is taken away.

    That happens in the JSON form too: https://docs.docker.com/reference/dockerfile/#environment-replacement
    """
    return re.sub(r"([$\\\"'])", r"\\\1", _printable(name))


def _printable(text: str) -> str:
    if not text.isprintable():
        raise errors.unsafe_path("the image", text)
    return text


def run_shell(argv: Sequence[str], *mounts: str, variables: Sequence[str] = ()) -> Word:
    """Return RUN of one command, its words in the shell's quotes."""
    command = shlex.join([_printable(str(word)) for word in argv])
    return Word("RUN " + " \\\n    ".join([*mounts, *variables, command]))


def run(step: BuildStep) -> Word:
    """Return RUN of a step, with what is there for it alone."""
    mounts = [f"--mount=type=cache,target={step.cache}"] if step.cache else []
    mounts += [_mount(secret) for secret in step.secrets]
    variables = [
        f'{secret.variable}="$(cat /run/secrets/{secret.id})"'
        for secret in step.secrets
        if secret.variable
    ]
    commands = [" ".join([*variables, shlex.join(command)]) for command in step.commands]
    return Word("RUN " + " \\\n    ".join([*mounts, " \\\n    && ".join(commands)]))


def _mount(secret: BuildSecret) -> str:
    where = f",target={secret.path}" if secret.path else ",required=true"
    return f"--mount=type=secret,id={secret.id}{where}"


# -- the files -------------------------------------------------------------------------------------


def render(
    image: Image,
    site: Site,
    app: Sequence[Artifact],
    proxy: Sequence[Artifact],
    *,
    folder: str = FOLDER,
    name: str = "",
    told: Mapping[str, str] | None = None,
) -> list[Artifact]:
    """Return everything that the images are built from, relative to the project's folder.

    Args:
        image: what the app's image is made of.
        site: as it is in the containers.
        app: the configuration of the server, and the shim.
        proxy: the configuration of Nginx; of a single image, nothing.
        folder: where in the project they go.
        name: what the images are called in the commands that build them; empty: as the site.
        told: what the containers tell the app; the build does where the environment file does not.
    """
    files = [*app, *_of_app(image, site, told or {})]
    return [
        stamped("Dockerfile", _dockerfile(image, site, folder, name or image_name(site))),
        stamped(".dockerignore", _ignore(image)),
        *(replace(file, path=f"{folder}/app/{file.path}") for file in files),
        *(replace(file, path=f"{folder}/proxy/{file.path}") for file in proxy),
    ]


def _of_app(image: Image, site: Site, told: Mapping[str, str]) -> list[Artifact]:
    templates = environment(gunicorn.quote)
    protocol = "http" if image.is_single else site.process.server.protocol
    files = [
        stamped(
            "health.py",
            templates.get_template("health.py.j2").render(
                protocol=protocol,
                port=PROXY_PORT if image.is_single else APP_PORT,
                host=site.asked_as,
                path=site.ready_path,
            ),
        )
    ]
    if site.collect or image.imports_app:
        process, collect = site.process, site.collect
        arguments: list[str] = []
        if collect is not None:
            arguments = [collect.settings_module, process.import_root]
            arguments += [collect.directory] if collect.is_override else []
        body = templates.get_template("build.py.j2").render(
            target=process.target,
            variables=[*process.variables, *told.items()],
            places=list(dict.fromkeys((process.import_root, process.directory))),
            collect=arguments,
        )
        files.append(stamped("build.py", body))
    if site.collect:
        text = resources.files("outrider").joinpath("app/collect.py").read_text(encoding="utf-8")
        files.append(stamped("collect.py", text))
    return files


def _dockerfile(image: Image, site: Site, folder: str, name: str) -> str:
    templates = environment(quote)
    templates.filters["comment"] = Comment
    needs_app = bool(site.collect or image.imports_app)
    served = outermost(mount.directory for mount in site.mounts if mount.kind != "media")
    secret = ["--mount=type=secret,id=env"] if image.env_file else []
    return templates.get_template("Dockerfile.j2").render(
        image=image,
        site=site,
        env_secret=bool(secret) and needs_app,
        target=Comment(site.process.target),
        commands=[Comment(line) for line in _build_commands(image, name, needs_app)],
        python_why=Comment(_python_why(image)),
        user=_user(image.variant),
        environment=env(_ENVIRONMENT),
        reason=lambda one: Comment(f"{one.why}{': ' + one.source if one.source else '.'}"),
        packages=lambda needed: _packages(image.variant, needed),
        run=run,
        run_shell=run_shell,
        app_steps=_app_steps(image, site, secret),
        app_why=Comment(_app_why(image, site)),
        env=env,
        copy=copy,
        copy_from=copy_from,
        path=path,
        words=words,
        files_by_folder=_by_folder(image.files).items(),
        node_stage=lambda number: Word("node" if number == 1 else f"node{number}"),
        node_files=_node_files,
        node_install=_node_install,
        app_folder=f"{folder}/app",
        proxy_folder=f"{folder}/proxy",
        owned=[*image.volumes, *([RUN] if image.is_single else [])],
        port=PROXY_PORT if image.is_single else APP_PORT,
        command=command(image, site),
        folders=served,
        proxy_check=_proxy_check(image.variant, site.front.live_path),
    )


def _app_steps(image: Image, site: Site, mounts: Sequence[str]) -> Word:
    """Return RUN of what the build needs the app for, nothing when it needs it for nothing."""
    steps = ["collect"] * bool(site.collect) + ["import"] * image.imports_app
    commands = [shlex.join([PYTHON, f"{OUTRIDER}/build.py", step]) for step in steps]
    return Word(
        "RUN " + " \\\n    ".join([*mounts, " \\\n    && ".join(commands)]) if steps else ""
    )


def _app_why(image: Image, site: Site) -> str:
    collects = "Django's static files are collected for Nginx. " if site.collect else ""
    imports = "The app makes static files when it is imported." if image.imports_app else ""
    return (collects + imports).strip()


_ENVIRONMENT = (
    ("PATH", "/opt/venv/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("PYTHONUNBUFFERED", "1"),
    ("PYTHONDONTWRITEBYTECODE", "1"),
)


def _proxy_check(variant: str, path: str) -> list[str]:
    told = path.replace("%", "%%")
    ask = f"printf 'GET {told} HTTP/1.0\\r\\n\\r\\n'"
    if variant == ALPINE:
        return ["sh", "-c", f"{ask} | nc -w 4 127.0.0.1 {PROXY_PORT} | grep -q ^HTTP/"]
    script = (
        f"exec 3<>/dev/tcp/127.0.0.1/{PROXY_PORT} && {ask} >&3 "
        "&& read -t 4 -r line <&3 && [[ $line == HTTP/* ]]"
    )
    return ["bash", "-c", script]


def image_name(site: Site) -> str:
    """Return a site's name as a part of an image's.

    https://docs.docker.com/reference/cli/docker/image/tag/
    """
    return re.sub(r"[^a-z0-9]+", "-", site.name.lower()).strip("-") or "site"


def _build_commands(image: Image, name: str, needs_app: bool) -> list[str]:
    secrets = [f"--secret {secret.given_as}" for secret in image.secrets]
    if image.env_file and needs_app:
        secrets.append(f"--secret {shlex.quote(f'id=env,src={image.env_file}')}")
    targets = ("app",) if image.is_single else ("app", "proxy")
    return [
        " ".join(["docker build", *secrets, f"--target {target} --tag {name}-{target} ."])
        for target in targets
    ]


def _python_why(image: Image) -> str:
    found = next((one for one in image.decisions if one.name == "python image"), None)
    return f"Python {found.value}: {found.why}." if found else "Python."


def _user(variant: str) -> Word:
    if variant == ALPINE:
        return Word(
            f"RUN addgroup -S -g {APP_ID} app \\\n"
            f"    && adduser -S -D -H -u {APP_ID} -G app -h /tmp -s /sbin/nologin app"
        )
    return Word(
        f"RUN groupadd --gid {APP_ID} app \\\n"
        f"    && useradd --uid {APP_ID} --gid app --no-create-home --home-dir /tmp"
        " --shell /usr/sbin/nologin app"
    )


def _packages(variant: str, needed: Sequence[SystemPackages]) -> Word:
    names = sorted({name for one in needed for name in one.names})
    listed = " \\\n        ".join(names)
    if variant == ALPINE:
        return Word(
            "# Without versions: the newest has the security fixes.\n"
            f"# hadolint ignore=DL3018\nRUN apk add --no-cache \\\n        {listed}"
        )
    return Word(
        "# Without versions: the newest has the security fixes.\n"
        "# hadolint ignore=DL3008\n"
        "RUN apt-get update \\\n"
        f"    && apt-get install --yes --no-install-recommends \\\n        {listed} \\\n"
        "    && rm -rf /var/lib/apt/lists/*"
    )


def _by_folder(files: Iterable[str]) -> Mapping[str, list[str]]:
    """Return the files by where they go: COPY takes many, and drops their folders."""
    found: dict[str, list[str]] = {}
    for name in files:
        found.setdefault(posixpath.join(PROJECT, posixpath.dirname(name), ""), []).append(name)
    return found


def _node_files(build: NodeBuild) -> list[str]:
    names = filter(None, ("package.json", build.lock))
    return [posixpath.join(build.directory, name) for name in names]


def _node_install(build: NodeBuild) -> Word:
    locked, loose, cache = _NODE[build.tool]
    return run_shell(locked if build.lock else loose, f"--mount=type=cache,target={cache}")


def command(image: Image, site: Site) -> list[str]:
    """Return what the app's container runs."""
    process = site.process
    if image.is_single:
        bind = f"0.0.0.0:{PROXY_PORT}"
        command = [PYTHON, "-m", "outrider", "run", "--bind", bind, "--run-dir", RUN]
        return [*command, process.target]
    conf = f"{OUTRIDER}/{process.server.config}"
    if process.server.name == "gunicorn":
        return [PYTHON, "-m", "gunicorn", "-c", conf, process.target]
    return [PYTHON, conf]


def outermost(folders: Iterable[str]) -> list[str]:
    """Return folders without those that lie within another."""
    names = sorted(set(folders))
    return [
        name
        for name in names
        if not any(name.startswith(f"{other}/") for other in names if other != name)
    ]


def _ignore(image: Image) -> str:
    templates = environment(quote)
    return templates.get_template("dockerignore.j2").render(
        ignored=[_pattern(name) for name in image.ignored],
    )


def _pattern(name: str) -> Word:
    """Return a path as a pattern that stands for itself; after a slash, `#` begins no comment."""
    return Word("/" + re.sub(r"([*?\[\]\\])", r"\\\1", _printable(name)))
