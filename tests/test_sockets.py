"""The sockets that the supervisor binds for others."""

from __future__ import annotations

import socket

import pytest

from outrider import sockets
from outrider.values import Address


def test_who_is_woken_for_a_connection_that_another_has_taken_does_not_wait(free_port):
    address = Address(host="127.0.0.1", port=free_port)
    with (
        sockets.bind_public(address, 16, "", None) as listener,
        # As one of Nginx's workers has it, which shares the flags of the open file.
        socket.socket(fileno=listener.detach()) as inherited,
        socket.create_connection((address.host, address.port)),
    ):
        first, _ = inherited.accept()
        first.close()
        with pytest.raises(BlockingIOError):
            inherited.accept()
