"""A release as a list of steps, against an engine that only remembers what it is told."""

from __future__ import annotations

import contextlib
import json
import re
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from outrider.deploy import find_docker
from outrider.deploy.release import Compose, Docker, Pause, Say, release
from outrider.errors import OutriderError
from outrider.process import Finished

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = "sha256:" + "0" * 64, "sha256:" + "1" * 64
PROXY = "f" * 64
NETWORKS = {name: {"name": f"shop_{name}"} for name in ("out", "web")}
WARNING = 'time="2026" level=warning msg="a variable is not set"\n'


def image(identity: str, **config: Any) -> dict[str, Any]:
    return {"Id": identity, "RootFS": {"Layers": ["debian"]}, "Config": {"Env": [], **config}}


@dataclass
class Fake:
    """One app and the proxy run; each new app takes one question until it is healthy."""

    fails: dict[str, str] = field(default_factory=dict)
    """What a command says that fails, by a word that is in it."""
    dies: bool = False
    sick: bool = False
    new_hash: str = "same"
    release: bool = True
    live: str = ""
    built: str = OLD
    apps: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    made: int = 0
    now: float = 0

    def __post_init__(self) -> None:
        self.add(OLD, status="running", networks={"shop_web", "shop_out"})

    def add(self, of: str, *, status: str, networks: set[str]) -> None:
        self.made += 1
        self.apps[f"{self.made:064x}"] = {
            "name": f"shop-app-{self.made}",
            "image": of,
            "status": status,
            "networks": networks,
        }

    def found(self) -> list[dict[str, Any]]:
        """Return the apps that Nginx sends requests to."""
        serving = [
            one
            for one in self.apps.values()
            if one["status"] == "running" and "shop_web" in one["networks"]
        ]
        if target := re.search(r'"app \w+" "([^:]+):8000"', self.live):
            serving = [one for one in serving if one["name"] == target[1]]
        return serving

    def act(self, action: Any) -> Finished:
        if isinstance(action, Say):
            self.said.append(action.text)
        if not isinstance(action, (Docker, Compose)):
            assert isinstance(action, (Say, Pause))
            self.now += action.seconds if isinstance(action, Pause) else 0
            return Finished(code=0, output=str(self.now))
        line = " ".join(action.words)
        self.asked.append(line)
        for word, said in self.fails.items():
            if word in line:
                return Finished(code=1, output=said)
        answer = self.compose if isinstance(action, Compose) else self.docker
        return Finished(code=0, output=answer(list(action.words)) or "")

    def compose(self, words: list[str]) -> str | None:
        match words:
            case ["config", "--format", "json"]:
                return WARNING + json.dumps(self.project(), indent=2)
            case ["config", "--hash", "proxy"]:
                return f"proxy {self.new_hash}\n"
            case [*_, "build"]:
                self.built = NEW
            case ["up", "--no-start", *_, scale, "app"]:
                for _ in range(int(scale.removeprefix("app=")) - len(self.apps)):
                    self.add(self.built, status="created", networks={"shop_web", "shop_out"})
            case _:
                pass
        return None

    def project(self) -> dict[str, Any]:
        image: dict[str, Any] = {"build": {"context": ".", "target": "app"}}
        services: dict[str, Any] = {"redis": {"image": "redis:8"}}
        services["worker"] = image | {"networks": {"out": None}}
        if self.release:
            services["release"] = image | {"networks": {"out": None}, "restart": "no"}
        services["app"] = image | {"networks": {"out": None, "web": None}}
        build = {"context": ".", "target": "proxy"}
        services["proxy"] = {"build": build, "networks": {"web": None}}
        return {"name": "shop", "services": services, "networks": NETWORKS}

    def look(self, words: list[str]) -> str | None:
        match words:
            case ["ps", *rest]:
                is_app = "label=com.docker.compose.service=app" in rest
                return "".join(f"{one}\n" for one in (self.apps if is_app else [PROXY]))
            case ["inspect", *ids]:
                return json.dumps([self.inspected(one) for one in ids], indent=2)
            case ["image", "inspect", name]:
                return json.dumps([image(self.built if name == "shop-proxy" else name)], indent=2)
            case _:
                return None

    def docker(self, words: list[str]) -> str | None:
        match words:
            case ["network", "disconnect", name, one]:
                self.apps[one]["networks"].discard(name)
            case ["network", "connect", *_, name, one]:
                self.apps[one]["networks"].add(name)
            case ["start", one]:
                self.apps[one]["status"] = "exited" if self.dies else "running"
            case ["stop", one]:
                self.apps[one]["status"] = "exited"
            case ["rm", "--force", "--volumes", *ids]:
                for one in ids:
                    del self.apps[one]
            case ["exec", proxy, "sh", "-c", script, *rest] if proxy == PROXY:
                return self.in_proxy(script, rest)
        return self.look(words)

    def in_proxy(self, script: str, rest: list[str]) -> str | None:
        if "live.new" in script:
            self.live = rest[1]
        return self.live if "cat /run" in script else None

    def inspected(self, one: str) -> dict[str, Any]:
        app = self.apps.get(one)
        label = {"com.docker.compose.service": "app" if app else "proxy"}
        return {
            "Id": one,
            "Name": f"/{app['name'] if app else 'shop-proxy-1'}",
            "Image": app["image"] if app else OLD,
            "Created": one,
            "State": {"Status": app["status"] if app else "running"},
            "NetworkSettings": {
                "Networks": {name: {} for name in (app or {"networks": ()})["networks"]}
            },
            "Mounts": [{"Destination": "/run/outrider", "Name": "spool"}],
            "Config": {
                "Hostname": one[:12],
                "Labels": label | {"com.docker.compose.config-hash": "same"},
                "Healthcheck": {"Test": ["CMD", "sick" if self.sick else "python", "health.py"]},
            },
        }

    def run(self, steps_at_most: int = 10_000) -> int:
        """Carry a release out, or a part of it; return how many steps that took."""
        steps = release("/srv/shop")
        told, count = None, 0
        while count < steps_at_most:
            try:
                action = next(steps) if told is None else steps.send(told)
            except StopIteration:
                break
            told = self.act(action)
            count += 1
            assert self.found(), f"nobody serves after {action}"
        return count

    def refused(self) -> OutriderError:
        with pytest.raises(OutriderError) as caught:
            self.run()
        return caught.value


def is_done(fake: Fake) -> bool:
    return [(one["image"], one["status"]) for one in fake.apps.values()] == [(NEW, "running")]


def test_a_release_ends_with_the_new_app_alone():
    fake = Fake()
    fake.run()
    assert is_done(fake)
    assert fake.live == f'"files {PROXY[:12]}" "/run/outrider/files-111111111111";\n'


@pytest.mark.parametrize("at", range(1, 60))
def test_wherever_it_is_interrupted_somebody_serves_and_the_next_run_puts_it_right(at):
    fake = Fake()
    fake.run(at)
    fake.run()
    assert is_done(fake)


def test_the_interruptions_above_are_all_that_there_are():
    assert Fake().run() < 60


def test_the_files_are_there_before_a_page_can_name_them_and_the_old_app_leaves_last():
    fake = Fake()
    fake.run()
    order = [
        "build",
        "run --rm --no-deps",
        "start ",
        "own-$2",
        "network connect",
        "stop ",
        "worker",
    ]
    places = [
        next(number for number, line in enumerate(fake.asked) if word in line) for word in order
    ]
    assert places == sorted(places), fake.asked


def test_databases_are_started_and_never_replaced():
    fake = Fake()
    fake.run()
    lines = [line for line in fake.asked if "redis" in line]
    assert len(lines) == 1
    assert "--no-recreate" in lines[0]


def test_nginx_is_replaced_only_when_more_than_its_files_differs():
    for new_hash, is_replaced in (("same", False), ("other", True)):
        fake = Fake(new_hash=new_hash)
        fake.run()
        assert any(line.endswith("--no-build proxy") for line in fake.asked) == is_replaced
        assert any("replaces Nginx" in text for text in fake.said) == is_replaced


@pytest.mark.parametrize(
    ("fake", "id", "said"),
    [
        (Fake(fails={"build": "no such file"}), "build-failed", "no such file"),
        (Fake(fails={"run --rm --no-deps --no-TTY": "no"}), "release-step-failed", "no"),
        (Fake(dies=True, fails={"logs": "traceback"}), "new-app-fails", "traceback"),
        (Fake(sick=True, fails={" sick": "500"}), "new-app-fails", "it said nothing"),
    ],
    ids=["build", "release step", "boot", "health"],
)
def test_a_release_that_cannot_serve_leaves_the_old_one_as_it_was(fake, id, said):
    before = dict(fake.apps)
    error = fake.refused()
    assert error.id == id
    assert said in error.found
    assert fake.apps == before


TRACEBACK = [
    "Traceback (most recent call last):",
    '  File "app.py", line 3, in <module>',
    "",
    "RuntimeError: no database",
]
ENDS = [f"Worker (pid:{number}) was sent SIGTERM!" for number in range(100)]


@pytest.mark.parametrize(
    ("log", "found"),
    [
        (["Starting", *TRACEBACK, *ENDS], [*TRACEBACK, "...", *ENDS[-10:]]),
        (["Starting", *TRACEBACK, *ENDS, *TRACEBACK, *ENDS[:9]], [*TRACEBACK, *ENDS[:9]]),
        (["Starting", *ENDS], ENDS[-40:]),
        (TRACEBACK, TRACEBACK),
    ],
    ids=["far above", "at the end", "there is none", "nothing else"],
)
def test_the_apps_own_traceback_is_told_however_much_was_said_after_it(log, found):
    told = Fake(dies=True, fails={"logs": "\n".join(log)}).refused().found[0].splitlines()
    assert told[-len(found) :] == found
    assert len(told) <= 51


def test_a_builder_that_is_missing_is_no_fault_of_the_dockerfile():
    assert (
        "buildx" in Fake(fails={"build": "the --mount option requires BuildKit"}).refused().fix[0]
    )


def test_a_project_of_somebody_else_is_left_alone():
    fake = Fake(fails={"config": "no configuration file provided: not found"})
    assert fake.refused().id == "no-compose-project"
    fake = Fake()
    fake.project = lambda: {"name": "x", "services": {"web": {"image": "x"}}}  # type: ignore[method-assign]
    assert fake.refused().id == "not-our-project"
    assert len(fake.asked) == 1


def test_where_nothing_runs_everything_is_started():
    fake = Fake()
    fake.apps.clear()
    steps = release("/srv/shop")
    action = next(steps)
    with contextlib.suppress(StopIteration):
        while True:
            action = steps.send(fake.act(action))
    assert fake.asked[-1] == "up --detach --no-build"


# -- which Docker there is -------------------------------------------------------------------------


def script(place: Path, name: str, text: str) -> None:
    (place / name).write_text(f"#!/bin/sh\n{text}\n")
    (place / name).chmod(stat.S_IRWXU)


@pytest.mark.parametrize(
    ("docker", "alone", "id"),
    [
        (None, None, "no-docker"),
        ("echo 'Cannot connect to the Docker daemon'; exit 1", None, "no-docker-engine"),
        ("echo 'permission denied while trying to connect'; exit 1", None, "docker-forbidden"),
        ('[ "$1" = version ]', None, "no-compose"),
        ('[ "$1" = version ]', "echo 1.29.2", "no-compose"),
    ],
)
def test_what_is_missing_is_said(tmp_path, docker, alone, id):
    for name, text in (("docker", docker), ("docker-compose", alone)):
        if text is not None:
            script(tmp_path, name, text)
    with pytest.raises(OutriderError) as caught:
        find_docker({"PATH": str(tmp_path)}, str(tmp_path))
    assert caught.value.id == id


def test_compose_is_the_plug_in_or_else_a_program_of_its_own(tmp_path):
    script(tmp_path, "docker-compose", "echo 5.6.1")
    script(tmp_path, "docker", '[ "$1" = version ]')
    client, alone = str(tmp_path / "docker"), str(tmp_path / "docker-compose")
    assert find_docker({"PATH": str(tmp_path)}, str(tmp_path)) == ([client], [alone])
    script(tmp_path, "docker", "true")
    assert find_docker({"PATH": str(tmp_path)}, str(tmp_path)) == ([client], [client, "compose"])
