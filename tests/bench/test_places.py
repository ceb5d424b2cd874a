"""Where sites listen while they are measured."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

from outrider import sockets
from outrider.bench.command import Places


def test_a_free_address_can_be_listened_on_and_is_no_port_of_an_outgoing_connection():
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(20):
        address = sockets.free_address()
        assert address.host == "127.0.0.1"
        assert 1024 < address.port < max(first, 32_768)
        with closing(socket.create_server((address.host, address.port))):
            pass


def test_a_port_that_somebody_listens_on_is_passed_over(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        free = sockets.free_address().port
        monkeypatch.setattr("random.sample", lambda ports, count: [taken, free])
        assert sockets.free_address().port == free


def test_two_sites_have_two_places():
    places = Places.free()
    assert places.outrider != places.gunicorn
