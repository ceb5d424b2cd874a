"""A new release of a Compose project, as a pure procedure: it yields what to do, and is told.

    build -> release step -> a new app beside the old one -> it is healthy
    -> Nginx gets the new files -> Nginx finds the new app -> the old one leaves -> the rest follows

The old code serves until the new one does. Whatever an interrupted run has left behind is no
service that Nginx finds: the next run begins by removing it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outrider import errors
from outrider.deploy.project import (
    APP_PORT,
    RUN,
    read_containers,
    read_ids,
    read_inspected,
    read_project,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from outrider.deploy.project import Container, Project
    from outrider.process import Finished

POLL_S = 0.5
SEEN_S = 5
"""Nginx asks for the app's addresses every 2 seconds (`resolver ... valid=2s`)."""
RELOAD_S = 1
"""Nginx reads its configuration again in much less."""
DRAIN_S = 120
"""More than what Nginx gives its old workers (`worker_shutdown_timeout`)."""
LONG_S = 24 * 3600.0
"""A build or a migration takes as long as it takes."""
LAST_LINES = 40
LOG_LINES = 1000
"""In which the last traceback of an app is looked for: each of its workers may have written one,
and what ends them as much again."""

# What an image has of its own below the folders in which static files are.
_TAKE = f"""\
set -e
cd {RUN}
[ ! -d "own-$1" ] || exit 0
rm -rf new
for folder in /srv /opt; do
  mkdir -p "new$folder"
  cp -R "$folder/." "new$folder/"
done
mv new "own-$1"
"""
# The last release's files too: pages of it are still open in browsers, and being answered.
_MERGE = f"""\
set -e
cd {RUN}
rm -rf both
cp -R "own-$1" both
cp -R "own-$2/." both/
rm -rf "files-$2"
mv both "files-$2"
"""
_PUT = f'cd {RUN} && printf %s "$1" >live.new && mv live.new live.map'
_LIVE = f"cat {RUN}/live.map 2>/dev/null || true"
_TIDY = f"""\
cd {RUN}
for old in own-* files-*; do
  case "$old" in own-$1 | files-$1) ;; *) rm -rf "$old" ;; esac
done
"""
_LEAVING = "grep -l 'shutting[ ]down' /proc/[0-9]*/cmdline 2>/dev/null || true"
_DIGEST = "find /etc/nginx -type f | sort | xargs cat | sha256sum"


# -- what to do ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Docker:
    """Ask the engine."""

    words: tuple[str, ...]
    timeout_s: float = 300


@dataclass(frozen=True)
class Compose:
    """Ask Compose."""

    words: tuple[str, ...]
    timeout_s: float = 300


@dataclass(frozen=True)
class Pause:
    """Wait, and be told the time."""

    seconds: float


@dataclass(frozen=True)
class Say:
    """Tell what is being done."""

    text: str


Action = Docker | Compose | Pause | Say

if TYPE_CHECKING:
    Steps = Generator[Action, Finished, Any]


def release(folder: str, wait_s: float | None = None) -> Steps:
    """Replace what a project runs by what its folder holds.

    Args:
        folder: of compose.yaml, for what is said.
        wait_s: how long the new app may take to become healthy; None: as its health check says.

    Raises:
        OutriderError: the old code still serves.
    """
    project = yield from _project(folder)
    yield Say("builds the new images")
    built = yield Compose(("--progress", "plain", "build"), LONG_S)
    if built.code != 0:
        raise errors.build_failed(_last(built.output))
    everyone = yield from _containers(project, project.app)
    yield from _remove([one for one in everyone if not _is_found(one, project)])
    old = [one for one in everyone if _is_found(one, project)]
    proxy = next(
        (one for one in (yield from _containers(project, project.proxy)) if one.serves),
        None,
    )
    if not old or proxy is None:
        yield Say("nothing serves yet: starts everything")
        yield from _must(Compose(("up", "--detach", "--no-build"), LONG_S))
        return
    if not proxy.spool:
        raise errors.not_our_project(folder, list(project.services))
    if project.databases:
        words = ("up", "--detach", "--wait", "--no-recreate", "--no-deps", "--no-build")
        yield from _must(Compose((*words, *project.databases), LONG_S))
    if project.release:
        yield from _run_release_step(project.release)
    new = yield from _start_beside(project, old)
    yield from _until_healthy(new, wait_s)
    front = yield from _front(project, proxy)
    yield from _give_files(front)
    yield from _switch(project, front, old, new)
    if project.extras:
        yield Say(f"replaces {', '.join(project.extras)}")
        more = ("up", "--detach", "--no-deps", "--no-build", *project.extras)
        yield from _must(Compose(more, LONG_S))
    if front.is_other:
        yield Say("replaces Nginx: connections are refused until its new container listens")
        last = ("up", "--detach", "--no-deps", "--no-build", project.proxy)
        yield from _must(Compose(last, LONG_S))


def _project(folder: str) -> Steps:
    said = yield Compose(("config", "--format", "json"))
    if said.code != 0:
        raise errors.no_compose_project(folder, _last(said.output))
    project = read_project(said.output)
    if not project.is_ours:
        raise errors.not_our_project(folder, list(project.services))
    return project


def _is_found(one: Container, project: Project) -> bool:
    """Tell whether Nginx finds it; what an interrupted run has left, it does not."""
    return one.serves and project.web in one.networks


# -- the new app -----------------------------------------------------------------------------------


def _run_release_step(service: str) -> Steps:
    yield Say("runs the release step")
    done = yield Compose(("run", "--rm", "--no-deps", "--no-TTY", service), LONG_S)
    if done.code != 0:
        raise errors.release_step_failed(service, _last(done.output))


def _start_beside(project: Project, old: Sequence[Container]) -> Steps:
    """Start new containers of the app where Nginx does not find them."""
    yield Say(f"starts the new app beside the old one ({len(old)} running)")
    number = len(old) + project.wanted
    words = ("up", "--no-start", "--no-deps", "--no-recreate", "--no-build")
    yield from _must(Compose((*words, "--scale", f"{project.app}={number}", project.app), LONG_S))
    known = {one.id for one in old}
    new = [one for one in (yield from _containers(project, project.app)) if one.id not in known]
    for one in new:
        yield from _must(Docker(("network", "disconnect", project.web, one.id)))
        yield from _must(Docker(("start", one.id)))
    return new


def _until_healthy(new: Sequence[Container], wait_s: float | None) -> Steps:
    for one in new:
        why = yield from _sickness(one, wait_s or one.patience_s)
        if why is not None:
            lines = yield Docker(("logs", "--tail", str(LOG_LINES), one.id))
            yield from _remove(new)
            raise errors.new_app_fails(why, _telling(lines.output))


def _sickness(one: Container, wait_s: float) -> Steps:
    """Return why a container is not healthy, None when it is.

    It is asked here, because the engine asks every few seconds only.
    """
    answer = ""
    now = float((yield Pause(0)).output)
    deadline = now + wait_s
    while now < deadline:
        now = float((yield Pause(POLL_S)).output)
        found = yield from _must(Docker(("inspect", one.id)))
        (seen,) = read_containers(found.output)
        if seen.restarts or seen.status not in ("running", "created"):
            return f"it has ended by itself ({'started again' if seen.restarts else seen.status})"
        if not one.check:
            return None
        asked = yield Docker(("exec", one.id, *one.check), 30)
        if asked.code == 0:
            return None
        answer = asked.output.strip().rpartition("\n")[2]
    said = f": {answer}" if answer else ""
    return f"it was not healthy within {wait_s:.0f} seconds{said}"


# -- the switch ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Front:
    """The running Nginx, and the image that its successor will have."""

    container: Container
    image: str
    files: str
    """Whose static files it has: an image's."""
    new_files: str
    is_other: bool
    """More than static files differs, which only another container can have."""

    def told(self, files: str, app: str | None = None) -> str:
        """Return what stands in the file that nginx.conf includes."""
        name = self.container.hostname
        lines = [f'"files {name}" "{RUN}/files-{files}";\n'] if files else []
        lines += [f'"app {name}" "{app}:{APP_PORT}";\n'] if app else []
        return "".join(lines)


def _front(project: Project, proxy: Container) -> Steps:
    found = yield from _must(Docker(("image", "inspect", project.image(project.proxy))))
    (image,) = read_inspected(found.output)
    live = yield from _must(Docker(("exec", proxy.id, "sh", "-c", _LIVE)))
    given = re.search(rf'"files {proxy.hostname}" "{RUN}/files-(\w+)"', live.output)
    return Front(
        container=proxy,
        image=image["Id"],
        files=given[1] if given else _short(proxy.image),
        new_files=_short(image["Id"]),
        is_other=(yield from _has_other_nginx(project, proxy, image)),
    )


def _give_files(front: Front) -> Steps:
    """Let the running Nginx have the static files of the new release before a page names them."""
    if front.files == front.new_files:
        return
    yield Say("gives Nginx the static files of the new release")
    proxy = front.container
    volume = f"{proxy.spool}:{RUN}"
    for image in (front.image, *((proxy.image,) if _short(proxy.image) == front.files else ())):
        take = (*_locked(volume), image, "sh", "-c", _TAKE, "sh", _short(image))
        yield from _must(Docker(take, LONG_S))
    merge = ("exec", proxy.id, "sh", "-c", _MERGE, "sh", front.files, front.new_files)
    yield from _must(Docker(merge, LONG_S))
    yield from _tell(front, front.told(front.new_files))


def _tell(front: Front, text: str) -> Steps:
    """Let Nginx read its configuration again; its old workers finish what they have begun."""
    proxy = front.container
    yield from _must(Docker(("exec", proxy.id, "sh", "-c", _PUT, "sh", text)))
    yield from _must(Docker(("kill", "--signal", "HUP", proxy.id)))
    yield Pause(RELOAD_S)


def _switch(
    project: Project, front: Front, old: Sequence[Container], new: Sequence[Container]
) -> Steps:
    """Send every new request to the new app, and let the old one go when it has no more of them.

    Not by the addresses alone that Nginx is told for `app`: those of the old one vanish together
    with it, and until Nginx asks again it would send requests where nobody is.
    """
    proxy = front.container
    # One alone by its name, which it keeps; several by one that they share.
    name = new[0].name if len(new) == 1 else f"{project.app}-{new[0].id[:12]}"
    for one in new:
        words = ("network", "connect", "--alias", project.app, "--alias", name)
        yield from _must(Docker((*words, project.web, one.id)))
    files = "" if front.new_files == _short(proxy.image) == front.files else front.new_files
    yield from _tell(front, front.told(files, name))
    yield Say("the new app serves; the old one finishes its requests and leaves")
    for _ in range(DRAIN_S):
        leaving = yield from _must(Docker(("exec", proxy.id, "sh", "-c", _LEAVING)))
        if not leaving.output.strip():
            break
        yield Pause(1)
    for one in old:
        yield from _must(Docker(("stop", one.id), LONG_S))
    yield from _remove(old)
    yield Pause(SEEN_S)
    yield from _tell(front, front.told(files))
    yield from _must(Docker(("exec", proxy.id, "sh", "-c", _TIDY, "sh", front.new_files)))


def _locked(*volumes: str) -> tuple[str, ...]:
    mounts = [word for volume in volumes for word in ("--volume", volume)]
    return ("run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL", *mounts)


def _short(image: str) -> str:
    return image.rpartition(":")[2][:12]


def _has_other_nginx(project: Project, proxy: Container, image: Any) -> Steps:
    """Tell whether more than static files differs, which only another container can have."""
    hashes = yield from _must(Compose(("config", "--hash", project.proxy)))
    if proxy.digest not in hashes.output.split():
        return True
    if image["Id"] == proxy.image:
        return False
    found = yield Docker(("image", "inspect", proxy.image))
    if found.code != 0:
        return True
    (own,) = read_inspected(found.output)
    if _base(own) != _base(image):
        return True
    has = yield from _must(Docker(("exec", proxy.id, "sh", "-c", _DIGEST)))
    gets = yield from _must(Docker((*_locked(), image["Id"], "sh", "-c", _DIGEST)))
    return bool(has.output != gets.output)


def _base(image: Any) -> Any:
    return image["RootFS"]["Layers"][0], image["Config"].get("Env"), image["Config"].get("Cmd")


# -- words that are often needed -------------------------------------------------------------------


def _containers(project: Project, service: str) -> Steps:
    labels = (
        f"com.docker.compose.project={project.name}",
        f"com.docker.compose.service={service}",
        "com.docker.compose.oneoff=False",
    )
    filters = [word for label in labels for word in ("--filter", f"label={label}")]
    said = yield from _must(Docker(("ps", "--all", "--quiet", "--no-trunc", *filters)))
    ids = read_ids(said.output)
    if not ids:
        return ()
    found = yield from _must(Docker(("inspect", *ids)))
    return read_containers(found.output)


def _remove(some: Sequence[Container]) -> Steps:
    if some:
        yield from _must(Docker(("rm", "--force", "--volumes", *(one.id for one in some))))


def _must(action: Docker | Compose) -> Steps:
    done = yield action
    if done.code != 0:
        client = "docker compose" if isinstance(action, Compose) else "docker"
        raise errors.docker_refuses(f"{client} {' '.join(action.words[:3])}", _last(done.output))
    return done


def _last(text: str) -> str:
    return "\n".join(text.rstrip().splitlines()[-LAST_LINES:])


def _telling(log: str) -> str:
    """Return the end of a log, and above it the last traceback where that is not in it."""
    lines = log.rstrip().splitlines()
    last = len(lines) - LAST_LINES
    begin = next(
        (at for at in reversed(range(len(lines))) if lines[at].startswith("Traceback (most")), last
    )
    if begin >= last:
        return _last(log)
    end = next(
        (at for at in range(begin + 1, len(lines)) if lines[at][:1] not in ("", " ")), len(lines)
    )
    return "\n".join([*lines[begin : end + 1][-LAST_LINES:], "...", *lines[end + 1 :][-10:]])
