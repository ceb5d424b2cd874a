"""WSGI or ASGI, by what the callable takes."""

from __future__ import annotations

import pytest

from tests.probe.asking import app_of


@pytest.mark.parametrize(
    ("folder", "candidate", "interface"),
    [
        ("wsgi_function", "wsgi", "wsgi"),
        ("wsgi_class_instance", "wsgi:site", "wsgi"),
        ("wsgi_class_instance", "wsgi:method", "wsgi"),
        ("wsgi_unreadable", "wsgi:wrapper", "wsgi"),
        ("wsgi_unreadable", "wsgi:loose", "wsgi"),
        ("wsgi_unreadable", "wsgi:partial", "wsgi"),
        ("wsgi_unreadable", "wsgi:from_c", "wsgi"),
        ("asgi_function", "asgi", "asgi"),
        ("asgi_function", "asgi:without_async", "asgi"),
        ("asgi_class", "asgi", "asgi"),
        ("asgi_class", "asgi:Legacy", "asgi"),
    ],
)
def test_the_interface_is_what_the_callable_takes(folder, candidate, interface):
    app = app_of(folder, candidate)

    assert app["interface"] == interface
    assert app["framework"] == interface.upper()
    assert (app["static"], app["media"], app["max_content_length"]) == ([], [], None)
