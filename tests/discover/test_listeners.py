"""Situations of a port that is taken."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.running import until

from outrider.discover.listeners import who_listens

HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
LOOPBACK, ANY, OTHER = "0100007F", "00000000", "0102A8C0"
ANY6 = "0" * 32
LOOPBACK6 = "0" * 24 + "01000000"
MAPPED = "0" * 16 + "FFFF0000" + "0100007F"

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="the tables are written for it")


def row(address, port=8000, state="0A", uid=0, inode=700):
    remote = "0" * len(address)
    queues = "00000000:00000000 00:00000000 00000000"
    return f"   0: {address}:{port:04X} {remote}:0000 {state} {queues} {uid:5} 0 {inode} 1\n"


@pytest.fixture
def proc(write, tmp_path):
    """A procfs of the rows and processes that a test gives."""

    def make(tcp=(), tcp6=(), processes=()):
        write({"net/tcp": HEADER + "".join(tcp), "net/tcp6": HEADER + "".join(tcp6), "self/x": ""})
        for pid, parent, command, inode in processes:
            write({f"{pid}/cmdline": command, f"{pid}/stat": f"{pid} (na) me) S {parent} 1 1 0"})
            (tmp_path / f"{pid}/fd").mkdir()
            (tmp_path / f"{pid}/fd/7").symlink_to(f"socket:[{inode}]")
        return str(tmp_path)

    return make


SERVER = (10, 1, "python\0-m\0http.server\0", 700)


def test_the_process_is_named(proc):
    root = proc([row(LOOPBACK)], processes=[SERVER])
    assert who_listens("127.0.0.1", 8000, proc=root) == "pid 10 (python -m http.server)"


def test_of_master_and_workers_the_master_is_named(proc):
    """The worker's pid may be the smaller one, after the numbers have started again."""
    master = (50, 1, "nginx: master process /usr/sbin/nginx", 700)
    root = proc([row(LOOPBACK)], processes=[(9, 50, "nginx: worker process", 700), master])
    said = who_listens("127.0.0.1", 8000, proc=root)
    assert said == "pid 50 (nginx: master process /usr/sbin/nginx)"


@pytest.mark.parametrize(
    ("wanted", "tcp", "tcp6"),
    [
        ("127.0.0.1", [ANY], []),
        ("127.0.0.1", [], [ANY6]),
        ("127.0.0.1", [], [MAPPED]),
        ("0.0.0.0", [OTHER], []),
        ("0.0.0.0", [], [ANY6]),
        ("::", [LOOPBACK], []),
        ("::", [], [LOOPBACK6]),
        ("::1", [], [LOOPBACK6]),
        ("::1", [], [ANY6]),
        ("192.168.2.1", [OTHER], []),
        ("localhost", [LOOPBACK], []),
    ],
)
def test_addresses_that_collide(proc, wanted, tcp, tcp6):
    root = proc([row(one) for one in tcp], [row(one) for one in tcp6], [SERVER])
    assert str(who_listens(wanted, 8000, proc=root)).startswith("pid 10 ")


@pytest.mark.parametrize(
    ("wanted", "tcp", "tcp6"),
    [
        ("127.0.0.1", [OTHER], []),
        ("127.0.0.1", [], [LOOPBACK6]),
        ("0.0.0.0", [], [LOOPBACK6]),
        ("::1", [ANY], []),
        ("::1", [LOOPBACK], []),
    ],
)
def test_addresses_that_do_not(proc, wanted, tcp, tcp6):
    root = proc([row(one) for one in tcp], [row(one) for one in tcp6], [SERVER])
    assert who_listens(wanted, 8000, proc=root) is None


def test_the_exact_address_comes_before_the_wildcard(proc):
    rows = [row(ANY, inode=1), row(LOOPBACK, inode=700)]
    root = proc(rows, processes=[SERVER, (11, 1, "other", 1)])
    assert str(who_listens("127.0.0.1", 8000, proc=root)).startswith("pid 10 ")


def test_another_port_and_another_state_are_no_listener(proc):
    rows = [row(LOOPBACK, port=8001), row(LOOPBACK, state="01"), row(LOOPBACK, state="06")]
    assert who_listens("127.0.0.1", 8000, proc=proc(rows, processes=[SERVER])) is None


def test_a_process_of_another_user(proc, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    root = proc([row(LOOPBACK, uid=33)])
    assert who_listens("127.0.0.1", 8000, proc=root) == "a process of another user"


def test_a_process_of_ours_that_cannot_be_seen(proc):
    root = proc([row(LOOPBACK, uid=os.geteuid())])
    assert "cannot be seen from here" in str(who_listens("127.0.0.1", 8000, proc=root))


def test_long_commands_and_control_characters(proc):
    server = (10, 1, "python\0\x1b[31m" + "x" * 200, 700)
    said = str(who_listens("127.0.0.1", 8000, proc=proc([row(LOOPBACK)], processes=[server])))
    assert len(said) < 80
    assert said.endswith("…)")
    assert "\x1b" not in said


def test_a_process_without_a_command(proc, tmp_path):
    root = proc([row(LOOPBACK)], processes=[(10, 1, "", 700)])
    (tmp_path / "10/comm").write_text("kthread\n")
    assert who_listens("127.0.0.1", 8000, proc=root) == "pid 10 (kthread)"


def test_without_procfs_nothing_is_known(tmp_path):
    assert who_listens("127.0.0.1", 8000, proc=str(tmp_path / "gone")) is None


def test_a_name_that_cannot_be_resolved(proc):
    root = proc([row(LOOPBACK)], processes=[SERVER])
    assert who_listens("no such host", 8000, proc=root) is None


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux")
@pytest.mark.parametrize(
    ("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
)
def test_a_real_process(family, host):
    script = (
        "import socket, sys, time\n"
        "s = socket.socket(int(sys.argv[1]))\n"
        "s.bind((sys.argv[2], 0)); s.listen()\n"
        "print(s.getsockname()[1], flush=True); time.sleep(60)\n"
    )
    argv = [sys.executable, "-c", script, str(int(family)), host]
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        line = child.stdout.readline()
        if not line:
            pytest.skip(f"{host} cannot be bound here")
        said = str(who_listens(host, int(line)))
        assert said.startswith(f"pid {child.pid} (")
        assert "-c import socket" in said
    finally:
        child.kill()
        child.communicate()
    until(lambda: who_listens(host, int(line)) is None)  # closing is not at once
