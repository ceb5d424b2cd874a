"""The sockets that the supervisor binds for others."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest

from outrider import sockets
from outrider.errors import OutriderError
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


# -- figures ---------------------------------------------------------------------------------------


def answering(data: bytes, port: int) -> threading.Thread:
    """Answer one connection, and hold it open."""
    listener = socket.create_server(("127.0.0.1", port))

    def serve() -> None:
        with listener, listener.accept()[0] as connection:
            connection.recv(4096)
            connection.sendall(data)
            with contextlib.suppress(ConnectionResetError):  # who has asked did not wait for it
                connection.recv(4096)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


def test_what_nginx_says_of_itself_is_the_body_of_its_answer(free_port):
    thread = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", free_port)
    address = Address(host="0.0.0.0", port=free_port)
    assert sockets.ask_briefly(address, "/", 60) == "hello"
    thread.join(10)


@pytest.mark.parametrize("data", [b"HTTP/1.1 404 Not Found\r\n\r\n 200 ", b"", b"200"])
def test_any_other_answer_says_nothing(free_port, data):
    thread = answering(data, free_port)
    assert sockets.ask_briefly(Address(host="127.0.0.1", port=free_port), "/") == ""
    thread.join(10)


def test_nobody_says_nothing(free_port):
    assert sockets.ask_briefly(Address(host="127.0.0.1", port=free_port), "/") == ""


def test_the_address_of_the_figures_is_not_inherited_and_is_refused_when_taken(free_port):
    address = Address(host="127.0.0.1", port=free_port)
    with sockets.bind_metrics(address) as listener:
        assert not listener.get_inheritable()
        with pytest.raises(OutriderError) as raised:
            sockets.bind_metrics(address)
    assert raised.value.id == "cannot-tell-figures"
