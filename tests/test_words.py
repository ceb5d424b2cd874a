"""How the end of a site or of a reload is told: what happened, and nothing that would not help."""

from __future__ import annotations

import pytest

from outrider.errors import Exit, OutriderError
from outrider.lifecycle import FRONT, FRONT_BOOT_S, Abandoned, Outcome
from outrider.serve.words import conclude, why_not
from tests.situations import fleet

SITES = fleet(boot_timeout="7s")


def ended(**how):
    with pytest.raises(OutriderError) as caught:
        conclude(Outcome(kind="never-ready", **how), SITES)
    assert caught.value.exit_code is Exit.BOOT
    return caught.value


def test_an_app_that_was_never_ready_is_to_get_more_time():
    error = ended(name="app@1")
    assert error.what == "Gunicorn was not ready within 7 s"
    assert error.fix[-1].endswith("--boot-timeout 14")


def test_more_time_to_boot_would_not_help_nginx():
    error = ended(name=FRONT)
    assert error.what == "Nginx did not start"
    assert list(error.found) == [f"it did not answer within {FRONT_BOOT_S} s"]
    assert not any("--boot-timeout" in line for line in error.fix)


def test_nor_would_it_in_a_reload():
    front = why_not(Abandoned(generation=2, kind="front", name=FRONT), SITES)
    app = why_not(Abandoned(generation=2, kind="never-ready", name="app@2"), SITES)
    assert (front.id, app.id) == ("reload-failed", "reload-too-slow")
    assert front.what.startswith("Nginx does not serve with its new file")
    assert "within 7 s" in app.what
