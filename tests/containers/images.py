"""Stand-ins for official images, under their names, where no image registry is reached.

Each is a small Dockerfile in `standins/` with Debian's package of the same major version, and the
paths, users and environment variables of the official image, as far as a generated file uses them.
Below them is Debian itself, made from its packages. Only there stands what this machine needs to
reach a package index: no generated file has to know.

No stand-in is called `...-alpine`: a Debian under that name would build what Alpine refuses
(wheels for glibc, adduser's words) and refuse what it builds (apk). Of the versions of Python only
those are here that a release of Debian has.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.containers.engine import RUN, exclusive, missing, run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.containers.engine import Engine

FOLDER = Path(__file__).parent / "standins"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True)
class StandIn:
    """A Dockerfile's folder, and what it is built with."""

    folder: str
    args: dict[str, str] = field(default_factory=dict)


STAND_INS = {
    "python:3.11-slim": StandIn("python", {"SUITE": "bookworm"}),
    "python:3.13-slim": StandIn("python", {"SUITE": "trixie"}),
    "python:3.14-slim": StandIn("python", {"SUITE": "forky"}),
    "node:22-slim": StandIn("node", {"VERSION": "22"}),
    "nginx:stable": StandIn("nginx"),
    "postgres:17": StandIn("postgres", {"SUITE": "trixie", "VERSION": "17"}),
    "postgres:18": StandIn(
        "postgres",
        {
            "SUITE": "forky",
            "VERSION": "18",
            "DATA": "/var/lib/postgresql/18/docker",
            "VOLUME": "/var/lib/postgresql",
        },
    ),
    "mariadb:11": StandIn("mariadb"),
    "redis:8": StandIn("redis"),
    "mongo:3.2": StandIn("mongo"),
    "mongo:8": StandIn("mongo"),
}
_DEBIAN = re.compile(r"debian:(bookworm|trixie|forky)-slim")
_TRUSTED = "/etc/ssl/machine-certificates.crt"
_ADDED = {
    # Beside Debian's own, which it writes again as it installs some packages.
    CERTIFICATES: _TRUSTED,
    FOLDER / "debian" / "apt.conf": "/etc/apt/apt.conf.d/docker-clean",
    FOLDER / "debian" / "dpkg.cfg": "/etc/dpkg/dpkg.cfg.d/docker",
}
_LABEL = "outrider.tests.made-from"


def provide(engine: Engine, *names: str) -> None:
    """Have these images, built if they are ours to build and not yet there."""
    if not engine.has_stand_ins:
        for name in names:
            if not engine.has(name):
                _pull(engine, name)
        return
    with exclusive(RUN / "images"):
        _buildx(engine)
        for name in names:
            _build(engine, name)


def named_in(texts: Iterable[str]) -> list[str]:
    """Return the official images, stand-ins of which exist, that these files name."""
    words = {word for text in texts for word in re.findall(r"[\w.:/-]+", text)}
    return [name for name in STAND_INS if name in words]


def _build(engine: Engine, name: str) -> None:
    """Build a stand-in after those that it is made from, quickly where the build cache has it."""
    if suite := _DEBIAN.fullmatch(name):
        _build_debian(engine, name, suite[1])
        return
    stand_in = STAND_INS[name]
    folder = FOLDER / stand_in.folder
    recipe = (folder / "Dockerfile").read_text()
    for argument, value in stand_in.args.items():
        recipe = recipe.replace(f"${{{argument}}}", value)
    for base in re.findall(r"^FROM (\S+)", recipe, re.MULTILINE):
        _build(engine, base)
    given = [f"--build-arg={argument}={value}" for argument, value in stand_in.args.items()]
    engine.docker("build", "--quiet", "--tag", name, *given, str(folder))


def _buildx(engine: Engine) -> None:
    """Put the program with which Compose builds where Debian's client looks for plug-ins."""
    place = Path(engine.env["DOCKER_CONFIG"])
    if (place / "cli-plugins" / "docker-buildx").exists():
        return
    _build(engine, "debian:forky-slim")
    engine.docker("build", f"--output=type=local,dest={place}", str(FOLDER / "buildx"))


def _build_debian(engine: Engine, name: str, suite: str) -> None:
    """Make Debian from its packages, with this machine's way to a package index."""
    mirror, settings = _apt()
    words = ["--quiet", "--variant=minbase", "--include=ca-certificates"]
    words += ["--dpkgopt=force-unsafe-io", suite]
    # Python, pip, uv and Node, in this order.
    trusts = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
    changes = ['CMD ["bash"]', *(f"ENV {variable}={_TRUSTED}" for variable in trusts)]

    files = [path.read_bytes() for path in _ADDED]
    everything = repr((words, changes, mirror, settings, files))
    digest = hashlib.sha256(everything.encode()).hexdigest()[:16]
    if engine.has(name):
        made_from = f'{{{{index .Config.Labels "{_LABEL}"}}}}'
        if digest in engine.docker("image", "inspect", "--format", made_from, name):
            return
    with tempfile.TemporaryDirectory() as scratch:
        apt, archive = Path(scratch, "apt.conf"), Path(scratch, "debian.tar")
        apt.write_text(settings)
        argv = ["mmdebstrap", f"--aptopt={apt}", *words, str(archive), mirror]
        run(argv, env=engine.env)
        with tarfile.open(archive, "a") as tar:
            for here, there in _ADDED.items():
                tar.add(here, there, filter=_as_root)
        given = [f"--change={change}" for change in [*changes, f"LABEL {_LABEL}={digest}"]]
        engine.docker("import", *given, str(archive), name)


def _as_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mode = 0o644
    return member


def _apt() -> tuple[str, str]:
    """Return where this machine has its packages from, and how it may ask there."""
    targets = ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"]
    said = subprocess.run(targets, capture_output=True, text=True, check=True).stdout
    mirrors = [site for site in said.split() if "security" not in site]
    if not mirrors:
        missing("this machine has no package lists of Debian: apt-get update")
    dumped = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True)
    kept = re.findall(r"^Acquire::(?:Check-|http).*$", dumped.stdout, re.MULTILINE)
    return mirrors[0], "".join(f"{line}\n" for line in kept)


def _pull(engine: Engine, name: str) -> None:
    words = [engine.client, "pull", "--quiet", name]
    done = subprocess.run(
        words, env=engine.env, capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode != 0:
        missing(
            f"the Docker engine that runs here has no {name} and does not get it:\n{done.stderr}"
            "Where it is stopped, the tests start one of their own, with stand-ins."
        )
