"""Situations of a machine: quotas, limits, users, temporary directories."""

from __future__ import annotations

import json
import os
import pwd
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from outrider.discover import host

NO_SUCH_UID = 54321
GIB = 2**30
NO_LIMIT_V1 = "9223372036854771712"
MEMINFO = "MemTotal:       16777216 kB\nMemFree:        1 kB\n"  # 16 GiB


@pytest.fixture
def look(write, tmp_path, monkeypatch):
    """Look at a machine of 8 CPUs and 16 GiB whose control groups are written out by the test."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)

    def look(files, env=(), **more):
        write({"proc/meminfo": MEMINFO, **files})
        cgroup = str(tmp_path / "cgroup")
        return host.look_at_host(dict(env), proc=str(tmp_path / "proc"), cgroup=cgroup, **more)

    return look


# -- CPUs ------------------------------------------------------------------------------------------


def test_without_a_quota_the_affinity_counts(look):
    seen = look({"proc/self/cgroup": "0::/\n", "cgroup/cpu.max": "max 100000\n"})
    assert (seen.cpus, seen.cpus_source) == (8, "sched_getaffinity")


def test_a_quota_of_version_2_counts(look, tmp_path):
    seen = look({"proc/self/cgroup": "0::/\n", "cgroup/cpu.max": "200000 100000\n"})
    assert (seen.cpus, seen.cpus_source) == (2, str(tmp_path / "cgroup/cpu.max"))


@pytest.mark.parametrize(
    ("quota", "cpus"), [("150000", 2), ("50000", 1), ("1000", 1), ("200001", 3)]
)
def test_a_part_of_a_cpu_counts_as_one(look, quota, cpus):
    assert look({"proc/self/cgroup": "0::/\n", "cgroup/cpu.max": f"{quota} 100000\n"}).cpus == cpus


def test_a_quota_above_the_affinity_is_no_limit(look):
    seen = look({"proc/self/cgroup": "0::/\n", "cgroup/cpu.max": "6400000 100000\n"})
    assert (seen.cpus, seen.cpus_source) == (8, "sched_getaffinity")


def test_the_smallest_quota_on_the_way_up_counts(look, tmp_path):
    seen = look(
        {
            "proc/self/cgroup": "0::/kubepods/pod1/app\n",
            "cgroup/kubepods/cpu.max": "600000 100000\n",
            "cgroup/kubepods/pod1/cpu.max": "300000 100000\n",
            "cgroup/kubepods/pod1/app/cpu.max": "max 100000\n",
        }
    )
    assert (seen.cpus, seen.cpus_source) == (3, str(tmp_path / "cgroup/kubepods/pod1/cpu.max"))


def test_the_quota_of_a_neighbour_does_not_count(look):
    seen = look(
        {
            "proc/self/cgroup": "0::/kubepods/mine\n",
            "cgroup/kubepods/mine/cpu.max": "max 100000\n",
            "cgroup/kubepods/other/cpu.max": "100000 100000\n",
        }
    )
    assert seen.cpus == 8


@pytest.mark.parametrize("mount", ["cpu,cpuacct", "cpu", "cpuacct,cpu"])
def test_a_quota_of_version_1_counts(look, mount):
    seen = look(
        {
            "proc/self/cgroup": "3:cpu,cpuacct:/\n2:memory:/\n1:name=systemd:/\n",
            f"cgroup/{mount}/cpu.cfs_quota_us": "350000\n",
            f"cgroup/{mount}/cpu.cfs_period_us": "100000\n",
        }
    )
    assert seen.cpus == 4
    assert seen.cpus_source.endswith("/cpu.cfs_quota_us")


def test_version_1_without_a_quota(look):
    seen = look(
        {
            "proc/self/cgroup": "3:cpu,cpuacct:/\n",
            "cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
            "cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        }
    )
    assert seen.cpus == 8


def test_a_container_that_is_told_its_path_on_the_host(look):
    """Docker without a cgroup namespace: the path is the host's, the mount begins at our group."""
    seen = look(
        {
            "proc/self/cgroup": "4:memory:/docker/abc\n3:cpu:/docker/abc\n",
            "cgroup/cpu/cpu.cfs_quota_us": "200000\n",
            "cgroup/cpu/cpu.cfs_period_us": "100000\n",
            "cgroup/memory/memory.limit_in_bytes": str(GIB),
        }
    )
    assert (seen.cpus, seen.memory_bytes) == (2, GIB)


def test_a_group_inside_such_a_container(look):
    seen = look(
        {
            "proc/self/cgroup": "3:cpu:/docker/abc/worker\n",
            "cgroup/cpu/cpu.cfs_quota_us": "400000\n",
            "cgroup/cpu/cpu.cfs_period_us": "100000\n",
            "cgroup/cpu/worker/cpu.cfs_quota_us": "100000\n",
            "cgroup/cpu/worker/cpu.cfs_period_us": "100000\n",
        }
    )
    assert seen.cpus == 1


def test_both_versions_side_by_side(look):
    """systemd's hybrid layout: controllers in version 1, version 2 only beside them."""
    seen = look(
        {
            "proc/self/cgroup": "4:cpu:/web\n3:memory:/web\n0::/web\n",
            "cgroup/unified/web/cgroup.procs": "1\n",
            "cgroup/cpu/web/cpu.cfs_quota_us": "100000\n",
            "cgroup/cpu/web/cpu.cfs_period_us": "50000\n",
            "cgroup/memory/web/memory.limit_in_bytes": NO_LIMIT_V1,
        }
    )
    assert (seen.cpus, seen.memory_bytes) == (2, 16 * GIB)


@pytest.mark.parametrize("text", ["", "nonsense", "0 100000", "100000 0", "100000"])
def test_a_quota_that_makes_no_sense_is_ignored(look, text):
    assert look({"proc/self/cgroup": "0::/\n", "cgroup/cpu.max": text}).cpus == 8


# -- memory ----------------------------------------------------------------------------------------


def test_without_a_limit_the_machine_has_it_all(look, tmp_path):
    seen = look({"proc/self/cgroup": "0::/\n", "cgroup/memory.max": "max\n"})
    assert (seen.memory_bytes, seen.memory_source) == (16 * GIB, str(tmp_path / "proc/meminfo"))


def test_the_smallest_limit_on_the_way_up_counts(look, tmp_path):
    seen = look(
        {
            "proc/self/cgroup": "0::/a/b\n",
            "cgroup/a/memory.max": str(GIB),
            "cgroup/a/b/memory.max": str(2 * GIB),
        }
    )
    assert (seen.memory_bytes, seen.memory_source) == (GIB, str(tmp_path / "cgroup/a/memory.max"))


def test_a_limit_of_version_1_counts(look):
    seen = look(
        {
            "proc/self/cgroup": "2:memory:/app\n",
            "cgroup/memory/memory.limit_in_bytes": NO_LIMIT_V1,
            "cgroup/memory/app/memory.limit_in_bytes": str(GIB // 2),
        }
    )
    assert seen.memory_bytes == GIB // 2


def test_a_limit_above_the_machine_is_none(look):
    seen = look({"proc/self/cgroup": "0::/\n", "cgroup/memory.max": str(64 * GIB)})
    assert seen.memory_bytes == 16 * GIB


# -- systems without procfs ------------------------------------------------------------------------


def test_without_proc_the_c_library_is_asked(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 10)
    nowhere = str(tmp_path / "nowhere")
    seen = host.look_at_host({}, proc=nowhere, cgroup=nowhere, shm=nowhere)
    assert (seen.cpus, seen.cpus_source) == (10, "os.cpu_count")
    assert seen.memory_source == "sysconf"
    assert seen.memory_bytes > 2**20
    assert seen.somaxconn > 0
    assert not seen.shm_is_tmpfs
    assert not seen.temp_is_memory


def test_this_machine():
    seen = host.look_at_host(dict(os.environ))
    assert 1 <= seen.cpus <= (os.cpu_count() or 1)
    assert seen.memory_bytes > 2**26
    assert seen.open_files > 0
    assert seen.candidates == ()
    assert os.access(seen.temp_directory, os.W_OK)


# -- limits ----------------------------------------------------------------------------------------


def test_the_hard_limit_of_open_files(look, monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda what: (1024, 4096))
    assert look({}).open_files == 4096


def test_no_limit_of_open_files_is_what_the_kernel_allows(look, monkeypatch):
    unlimited = resource.RLIM_INFINITY
    monkeypatch.setattr(resource, "getrlimit", lambda what: (unlimited, unlimited))
    assert look({"proc/sys/fs/nr_open": "1073741816\n"}).open_files == 1073741816


def test_somaxconn(look):
    assert look({"proc/sys/net/core/somaxconn": "128\n"}).somaxconn == 128


# -- temporary directories -------------------------------------------------------------------------


def mounts(*points):
    """Return a mountinfo of a disk at / and of (directory, type) pairs."""
    lines = ["22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw"]
    lines += [
        f"{30 + at} 22 0:{at} / {directory} rw,nosuid master:1 - {kind} {kind} rw"
        for at, (directory, kind) in enumerate(points)
    ]
    return "\n".join(lines) + "\n"


def test_tmpdir_comes_first(look, tmp_path):
    (tmp_path / "mine").mkdir()
    seen = look({"proc/self/mountinfo": mounts()}, {"TMPDIR": str(tmp_path / "mine")})
    assert seen.temp_directory == str(tmp_path / "mine")
    assert not seen.temp_is_memory


def test_tmpdir_in_memory(look, tmp_path):
    (tmp_path / "mine/deep").mkdir(parents=True)
    found = look(
        {"proc/self/mountinfo": mounts((tmp_path / "mine", "tmpfs"))},
        {"TMPDIR": str(tmp_path / "mine/deep")},
    )
    assert found.temp_is_memory


def test_a_disk_mounted_below_memory_is_a_disk(look, tmp_path):
    (tmp_path / "mine/disk").mkdir(parents=True)
    points = mounts((tmp_path / "mine/disk", "ext4"), (tmp_path / "mine", "tmpfs"))
    seen = look({"proc/self/mountinfo": points}, {"TMPDIR": str(tmp_path / "mine/disk")})
    assert not seen.temp_is_memory


def test_of_two_mounts_at_one_place_the_last_covers_the_first(look, tmp_path):
    (tmp_path / "mine").mkdir()
    points = mounts((tmp_path / "mine", "tmpfs"), (tmp_path / "mine", "ext4"))
    seen = look({"proc/self/mountinfo": points}, {"TMPDIR": str(tmp_path / "mine")})
    assert not seen.temp_is_memory


def test_a_mount_with_a_space_in_its_name(look, tmp_path):
    (tmp_path / "my disk").mkdir()
    points = mounts((str(tmp_path / "my disk").replace(" ", "\\040"), "tmpfs"))
    assert look(
        {"proc/self/mountinfo": points}, {"TMPDIR": str(tmp_path / "my disk")}
    ).temp_is_memory


def test_a_tmpdir_that_is_missing_is_passed_over(look, tmp_path):
    seen = look({}, {"TMPDIR": str(tmp_path / "gone")})
    assert seen.temp_directory in ("/var/tmp", "/tmp")


def test_shared_memory_that_is_a_tmpfs(look, tmp_path):
    shm = tmp_path / "shm"
    shm.mkdir()
    files = {"proc/self/mountinfo": mounts((shm, "tmpfs"))}
    assert look(files, shm=str(shm)).shm_is_tmpfs
    assert not look({"proc/self/mountinfo": mounts()}, shm=str(shm)).shm_is_tmpfs
    assert not look(files, shm=str(tmp_path / "gone")).shm_is_tmpfs


# -- users -----------------------------------------------------------------------------------------


def test_a_user_by_name_and_by_number():
    root = pwd.getpwuid(0)
    by_name, by_number = host.account_named(root.pw_name), host.account_named("0")
    assert by_name == by_number
    assert by_name is not None
    assert (by_name.uid, by_name.gid, by_name.home) == (0, root.pw_gid, root.pw_dir)


def test_a_number_without_an_entry():
    alone, with_group = host.account_named("54321"), host.account_named("54321:7")
    assert alone is not None
    assert (alone.uid, alone.gid, alone.name, alone.groups) == (54321, 54321, None, ())
    assert with_group is not None
    assert (with_group.uid, with_group.gid) == (54321, 7)


@pytest.mark.parametrize(
    "name", ["", "no-such-user", "-1", "4294967295", "99999999999", "0:no-such-group", "0:", "a\0b"]
)
def test_no_such_user(name):
    assert host.account_named(name) is None


def test_supplementary_groups(monkeypatch):
    entry = pwd.struct_passwd(("ann", "x", 1000, 1000, "", "/home/ann", "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwnam", lambda name: entry)
    monkeypatch.setattr(os, "getgrouplist", lambda name, gid: [gid, 44, 27])
    ann = host.account_named("ann")
    assert ann is not None
    assert ann.groups == (27, 44, 1000)


def test_who_root_could_run_children_as(monkeypatch):
    users = {"ann": 1000, "www-data": 33, "nobody": 65534}
    entries = {
        name: pwd.struct_passwd((name, "x", uid, uid, "", "/", "/bin/sh"))
        for name, uid in users.items()
    }
    by_uid = {entry.pw_uid: entry for entry in entries.values()}
    monkeypatch.setattr(pwd, "getpwnam", entries.__getitem__)
    monkeypatch.setattr(pwd, "getpwuid", by_uid.__getitem__)
    monkeypatch.setattr(os, "getgrouplist", lambda name, gid: [gid])

    def names(owner):
        return [one.name for one in host.accounts(owner)]

    assert names(1000) == ["ann", "www-data", "nobody"]
    assert names(33) == ["www-data", "nobody"]
    assert names(0) == ["www-data", "nobody"]
    assert names(None) == ["www-data", "nobody"]
    assert names(NO_SUCH_UID) == [None, "www-data", "nobody"]
    del entries["www-data"]
    assert names(0) == ["nobody"]


QUESTION = """
import json, os
from dataclasses import asdict
from outrider.discover.host import look_at_host
seen = look_at_host({})
print(json.dumps([seen.uid, asdict(seen.account), os.getuid()]))
"""


def test_a_process_whose_uid_has_no_entry(as_root, everyones):
    """As in a container that was started with `--user 54321`."""
    package = Path(host.__file__).parents[1]
    (everyones / "outrider/discover").mkdir(parents=True)
    for name in ("facts.py", "discover/host.py"):  # alone, since that Python may lack packages
        shutil.copy(package / name, everyones / "outrider" / name)
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            child = subprocess.run(
                [python, "-c", QUESTION],
                user=NO_SUCH_UID,
                group=NO_SUCH_UID,
                extra_groups=[],
                env={"PYTHONPATH": str(everyones), "PYTHONDONTWRITEBYTECODE": "1"},
                cwd="/",
                capture_output=True,
                check=False,
            )
        except OSError:
            continue
        assert child.returncode == 0, child.stderr.decode()
        uid, account, really = json.loads(child.stdout)
        assert uid == account["uid"] == really == NO_SUCH_UID
        assert (account["name"], account["groups"], account["home"]) == (None, [], "/")
        return
    pytest.skip("no Python 3.11 or newer that another user can read")
