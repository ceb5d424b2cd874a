"""Where sites run, as the kernel tells."""

from __future__ import annotations

import os
import pwd
import socket

from outrider.discover.sites import owner_of, run_directories

TABLE = """\
Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 11111 /run/one/control.sock
0000000000000000: 00000003 00000000 00000000 0001 03 22222 /run/one/control.sock
0000000000000000: 00000003 00000000 00000000 0001 03 22223 /run/connected/control.sock
0000000000000000: 00000002 00000000 00010000 0001 01 33333 /srv/with a space/control.sock
0000000000000000: 00000002 00000000 00010000 0001 01 44444 @/abstract/control.sock
0000000000000000: 00000002 00000000 00010000 0001 01 55555 /run/other.sock
0000000000000000: 00000002 00000000 00010000 0001 01 66666
0000000000000000: 00000002 00000000 nonsense 0001 01 77777 /run/odd/control.sock
"""


def test_only_sockets_of_that_name_that_listen_are_sites(tmp_path):
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "unix").write_text(TABLE)
    assert run_directories(proc=str(tmp_path)) == ["/run/one", "/srv/with a space"]


def test_without_the_kernels_table_there_are_none(tmp_path):
    assert run_directories(proc=str(tmp_path)) == []


def test_a_real_one_is_found_while_it_listens(short_dir):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(short_dir / "control.sock"))
        assert str(short_dir) not in run_directories()
        listener.listen()
        assert str(short_dir) in run_directories()
    assert str(short_dir) not in run_directories()


def test_the_owner_is_told_by_name(short_dir):
    assert owner_of(str(short_dir)) == pwd.getpwuid(os.geteuid()).pw_name
    assert owner_of("/no/such/place") is None
