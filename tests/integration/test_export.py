"""`outrider export nginx`: files to keep, that run without Outrider."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import psutil
import pytest

from tests.integration.environments import outrider_for_everybody
from tests.integration.running import (
    EXAMPLE,
    PATIENCE_S,
    ROOT,
    Running,
    environment,
    outrider,
)

pytestmark = pytest.mark.integration

GUESTS = ("shim", "worker")
FILES = (
    *("nginx.conf", "mime.types", "gunicorn.conf.py"),
    *(
        f"outrider_{guest}/{path.name}"
        for guest in GUESTS
        for path in sorted((ROOT / "src/outrider/app" / guest).glob("*.py"))
    ),
)


@pytest.fixture
def project(short_dir) -> Path:
    ignored = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(EXAMPLE, short_dir / "site", ignore=ignored))


def export(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return outrider("export", "nginx", *words, cwd=project)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# -- what is written -------------------------------------------------------------------------------


def test_the_first_export_is_new_and_the_second_the_same(project):
    folder = project / "deploy" / "nginx"
    first = export(project)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.splitlines() == [f"new      {folder / name}" for name in FILES]
    written = contents(folder)
    assert sorted(written) == sorted(FILES)

    again = export(project)
    assert again.stdout.splitlines() == [f"same     {folder / name}" for name in FILES]
    assert contents(folder) == written


def test_the_same_site_gives_the_same_bytes_anywhere_and_at_any_time(project):
    words = ("--run-dir", "/run/site")
    assert export(project, *words, "-o", "one").returncode == 0
    assert export(project, *words, "-o", "two").returncode == 0
    assert contents(project / "one") == contents(project / "two")


def test_a_setting_that_changes_shows_in_the_diff_and_changes_one_file(project):
    folder = project / "deploy" / "nginx"
    export(project)
    before = contents(folder)

    diff = export(project, "--workers", "7", "--diff")
    assert diff.returncode == 0
    assert re.search(r"^\+workers = 7$", diff.stdout, re.MULTILINE)
    assert contents(folder) == before

    changed = export(project, "--workers", "7")
    states = dict(line.split(maxsplit=1)[::-1] for line in changed.stdout.splitlines())
    assert {str(Path(path).relative_to(folder)): state for path, state in states.items()} == {
        **dict.fromkeys(FILES, "same"),
        "gunicorn.conf.py": "changed",
    }
    assert export(project, "--workers", "7", "--diff").stdout == ""


def test_the_diff_of_a_folder_that_does_not_exist_shows_every_file_and_makes_none(project):
    diff = export(project, "--diff")
    assert diff.returncode == 0
    for name in FILES:
        assert f"--- /dev/null\n+++ {project}/deploy/nginx/{name}\n" in diff.stdout
    assert not (project / "deploy").exists()


@pytest.mark.parametrize("name", FILES[:4])
def test_a_file_that_was_edited_is_kept_and_so_are_the_others(name, project):
    folder = project / "deploy" / "nginx"
    export(project)
    with (folder / name).open("a") as file:
        file.write("# mine\n")
    before = contents(folder)

    # Both change what Outrider writes into two of them; in the others the edit is in nobody's way.
    refused = export(project, "--workers", "7", "--body-limit", "3m")
    path = folder / name
    if name not in ("nginx.conf", "gunicorn.conf.py"):
        assert refused.returncode == 0
        assert f"kept     {path}\n" in refused.stdout
        assert path.read_bytes() == before[name]
        return
    assert refused.returncode == 9
    assert refused.stdout == ""
    lines = refused.stderr.splitlines()
    assert (
        lines[0] == f"error: {path} was edited by hand, and Outrider would write it differently now"
    )
    assert "         -# mine" in lines
    assert lines[-1] == f"         2. or move it away:  mv {path} {path}.mine"
    assert contents(folder) == before

    # What it says is what helps.
    path.rename(f"{path}.mine")
    assert export(project, "--workers", "7").returncode == 0


def test_a_directory_of_an_export_is_no_run_directory(project):
    export(project)
    folder = project / "deploy" / "nginx"
    before = contents(folder)
    refused = outrider("run", "--run-dir", "deploy/nginx", cwd=project)
    assert refused.returncode == 9
    assert f"error: {folder} is not Outrider's to overwrite" in refused.stderr
    assert contents(folder) == before


def test_a_folder_that_cannot_be_named_in_the_files(project):
    refused = export(project, "-o", "pay$day")
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1] == (
        "Error: Invalid value for '-o' / '--output': 'pay$day'; "
        "it takes a path without '$', which nginx.conf has no way to write"
    )
    assert not (project / "pay$day").exists()


def test_a_run_directory_in_a_file_counts(project):
    (project / "outrider.toml").write_text('run_dir = "/run/shop"\n')
    export(project)
    conf = (project / "deploy" / "nginx" / "gunicorn.conf.py").read_text()
    assert "bind = ['unix:/run/shop/app.sock']" in conf


# -- started by hand -------------------------------------------------------------------------------


@contextlib.contextmanager
def typed(command: str, folder: Path):
    """Type a command in a folder, and yield what it says; ended with its own signal for a stop."""
    # Started without Outrider, poisoned variables are the user's own matter.
    env = {k: v for k, v in environment().items() if k in ("PATH", "HOME", "LANG")}
    process = subprocess.Popen(
        ["/bin/sh", "-c", f"exec {command}"],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.extend(process.stdout or ()), daemon=True)
    reader.start()
    try:
        yield process, said
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join(10)
        assert process.stdout is not None
        process.stdout.close()


def until(condition, what: str, said: list[str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come:\n{''.join(said)}"
        time.sleep(0.02)


def command_of(file: Path) -> str:
    """Return the command that stands in a file's first lines."""
    head = file.read_text().split("\n\n", 1)[0]
    found = re.findall(r"^#     (.+)$", head, re.MULTILINE)
    assert len(found) == 1, head
    return found[0]


@pytest.mark.parametrize("run_dir", [None, "run"], ids=["beside-the-files", "elsewhere"])
def test_the_files_run_by_hand_with_the_commands_in_their_first_lines(
    run_dir, project, nginx, free_port
):
    words = ["--bind", f"127.0.0.1:{free_port}", "--workers", "2", "--nginx", nginx]
    if os.geteuid() == 0:
        words += ["--user", "root"]
    if run_dir:
        (project / run_dir).mkdir()
        words += ["--run-dir", run_dir]
    assert export(project, *words).returncode == 0
    folder = project / "deploy" / "nginx"
    where = project / run_dir if run_dir else folder
    before = contents(folder)

    with (
        typed(command_of(folder / "gunicorn.conf.py"), folder) as (gunicorn, app_said),
        typed(command_of(folder / "nginx.conf"), folder) as (front, front_said),
    ):
        until((where / "app.sock").exists, "Gunicorn's socket", app_said)
        site = Running(front, free_port, where)
        until(lambda: answers(site) or front.poll() is not None, "Nginx", front_said)
        assert front.poll() is None, "".join(front_said)

        assert "<title>" in site.get("/").text

        style = site.get("/static/style.css")
        assert style.body == (project / "static" / "style.css").read_bytes()
        assert style.headers["Content-Type"] == "text/css; charset=utf-8"
        module = site.get("/static/app.mjs")
        assert module.headers["Content-Type"].startswith("text/javascript")

        forged = {"X-Forwarded-For": "203.0.113.9", "X-Request-ID": "mine"}
        who = site.get("/whoami", headers=forged)
        assert who.json()["remote_addr"] == "127.0.0.1"
        assert who.json()["url"] == f"http://127.0.0.1:{free_port}/whoami"
        assert re.fullmatch("[0-9a-f]{32}", who.json()["request_id"])
        assert who.headers["X-Request-ID"] == who.json()["request_id"]

        # Large enough to be spooled to a file, which needs the directory for it.
        picture = b"\x89PNG" + os.urandom(1_000_000)
        body = b'--x\r\nContent-Disposition: form-data; name="picture"; filename="a.png"\r\n\r\n'
        body += picture + b"\r\n--x--\r\n"
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        assert site.get("/upload", method="POST", body=body, headers=kind).status == 302
        assert site.get("/media/a.png").body == picture

        until(lambda: who.headers["X-Request-ID"] in "".join(front_said), "the id", front_said)
        gunicorn.send_signal(signal.SIGTERM)
        front.send_signal(signal.SIGQUIT)
        assert gunicorn.wait(PATIENCE_S) == 0
        assert front.wait(PATIENCE_S) == 0

    for said in (app_said, front_said):
        assert not re.search(r"\[(alert|emerg|crit)\]|Traceback", "".join(said)), "".join(said)
    # The files are still Outrider's own, and nothing that runs is left beside them.
    assert {name: contents(folder)[name] for name in before} == before
    left = (
        {p.name for p in where.iterdir()}
        - set(FILES)
        - {"__pycache__", *(f"outrider_{guest}" for guest in GUESTS)}
    )
    assert left == {"temp-body", "temp-proxy", "temp-fastcgi", "temp-uwsgi", "temp-scgi"}


def test_files_that_root_exports_step_down_to_an_ordinary_user(project, free_port):
    words = ("--bind", f"127.0.0.1:{free_port}", "--workers", "1", "--user", "nobody")
    with outrider_for_everybody() as outrider_there:
        done = subprocess.run(
            [*outrider_there, "export", "nginx", *words],
            cwd=project,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        folder = project / "deploy" / "nginx"
        nobody = pwd.getpwnam("nobody")
        with (
            typed(command_of(folder / "gunicorn.conf.py"), folder) as (gunicorn, app_said),
            typed(command_of(folder / "nginx.conf"), folder) as (front, front_said),
        ):
            until((folder / "app.sock").exists, "Gunicorn's socket", app_said)
            assert (folder / "app.sock").stat().st_uid == nobody.pw_uid
            site = Running(front, free_port, folder)
            until(lambda: answers(site) or front.poll() is not None, "the site", front_said)
            workers = [one for master in (gunicorn, front) for one in children(master)]
            assert len(workers) >= 2
            # The second of Nginx's may still be on its way to being somebody else.
            stepped = {nobody.pw_uid}
            until(lambda: {one.uids().real for one in workers} == stepped, "it", front_said)
            for worker in workers:
                assert set(worker.uids()) == {nobody.pw_uid}
                assert set(worker.gids()) == {nobody.pw_gid}
                groups = re.search(r"Groups:\t(.*)", Path(f"/proc/{worker.pid}/status").read_text())
                assert groups is not None
                assert "0" not in groups[1].split()


def children(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children()


def answers(site: Running) -> bool:
    with contextlib.suppress(OSError):
        return site.get("/whoami").status == 200
    return False
