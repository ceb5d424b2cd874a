"""Errors that a framework would keep to itself are written, and only those."""

from __future__ import annotations

import logging

import pytest

from outrider.app.shim.frameworks import _is_heard, wants_path_without_prefix


@pytest.fixture
def logger():
    """Return a logger that no other part of this process knows; pytest hangs itself into those."""
    return logging.Logger("request")  # noqa: LOG001 - it must not be a known one


def test_with_no_handler_logging_itself_writes_errors(logger):
    assert _is_heard(logger)


def test_a_handler_hears(logger):
    logger.addHandler(logging.StreamHandler())
    assert _is_heard(logger)


def test_a_handler_of_a_parent_hears(logger):
    logger.addHandler(logging.StreamHandler())
    child = logging.Logger("request.inner")  # noqa: LOG001
    child.parent = logger
    assert _is_heard(child)


class OnlyInDebug(logging.Filter):
    def filter(self, record):
        return False


class AdminEmailHandler(logging.Handler):
    """As Django's, which sends nothing without ADMINS."""


def test_djangos_own_handlers_are_deaf_in_production(logger):
    console = logging.StreamHandler()
    console.addFilter(OnlyInDebug())
    logger.addHandler(console)
    logger.addHandler(AdminEmailHandler())
    assert not _is_heard(logger)


def test_a_logger_that_is_too_high_is_deaf(logger):
    logger.addHandler(logging.StreamHandler())
    logger.setLevel(logging.CRITICAL)
    assert not _is_heard(logger)


def test_only_falcon_is_given_the_path_without_the_prefix():
    falcon = type("App", (), {"__module__": "falcon.asgi.app"})
    other = type("App", (), {"__module__": "falconry.app"})
    assert wants_path_without_prefix(falcon())
    assert not wants_path_without_prefix(other())
