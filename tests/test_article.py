"""The article's own files as a starting point: what is said of them, and what comes of them.

`pytest --update-golden` writes both again; read them as prose.
"""

from __future__ import annotations

import io
import re
from pathlib import Path

from outrider.cli.export import tell_before
from outrider.console import Console
from outrider.containers import Contained
from outrider.discover.starting_point import look_at_starting_point
from outrider.facts import Variables
from outrider.plan.container import plan_contained
from outrider.plan.faults import find_faults
from outrider.plan.image import decide_image
from outrider.plan.roles import decide_roles
from outrider.plan.services import plan_stack, told_variables
from outrider.plan.taken import settings_from, take_over
from outrider.render import compose
from outrider.servers import SERVERS
from outrider.settings import Settings
from tests.integration.running import APPS
from tests.situations import facts
from tests.test_image import needing

GOLDEN = Path(__file__).parent / "golden" / "article"
# The table of the article's faults, by their numbers there; the first is in its text alone.
NUMBERED = {
    2: {"path-in-proxy-pass"},
    3: {"location-without-slash"},
    4: {"no-forwarded-scheme", "appended-client-address"},
    5: {"no-body-limit"},
    6: {"no-upstream-limits"},
    7: {"no-compression"},
    8: {"no-tls", "no-default-server"},
    9: {"mixed-volume"},
    10: {"static-in-volume"},
    11: {"resolved-once"},
    12: {"no-restart", "no-health-check", "no-start-order"},
    13: {"runs-as-root", "old-python", "old-database", "no-password"},
    14: {"fixed-workers", "no-timeout"},
    15: {"log-in-file", "no-request-log", "log-without-limit"},
}


def contained() -> Contained:
    """Return the article's site, of an app that is called manage:app."""
    start = look_at_starting_point(str(APPS / "article"), {})
    roles = decide_roles(start)
    own = settings_from(start, roles, Settings())
    here = facts(app={"target": own.value("target")})
    image = decide_image(here, needing("flask", "pymongo"), SERVERS["gunicorn"])
    packages, known = frozenset({"flask", "pymongo"}), Variables(named=frozenset({"MONGO_URL"}))
    taken = take_over(start, roles, project="/srv/shop", output="/srv/shop", known=known.named)
    told = told_variables("shop", packages, known.named, taken)
    site = plan_contained(here, own, image, frozenset(told), taken.names.app)
    assert taken.published is not None
    stack = plan_stack(
        site,
        image,
        name="shop",
        published=taken.published,
        packages=packages,
        known=known,
        taken=taken,
    )
    faults = tuple(find_faults(start, roles))
    return Contained(
        directory="/srv/shop", image=image, site=site, stack=stack, taken=taken, faults=faults
    )


def told(found: Contained) -> str:
    out = io.StringIO()
    console = Console(out, out, {"NO_COLOR": "1"})
    tell_before(console, found)
    for one in found.stack.decisions:
        if one.is_warning:
            console.warn(f"{one.name}: {one.value}; {one.why}")
    return out.getvalue()


def test_what_is_said_and_what_is_written(request):
    found = contained()
    [written] = compose.render(found.stack)
    files = {"told.txt": told(found), "compose.yaml": written.content}
    if request.config.getoption("--update-golden"):
        GOLDEN.mkdir(exist_ok=True)
        for name, text in files.items():
            (GOLDEN / name).write_text(text)
    for name, text in files.items():
        assert text == (GOLDEN / name).read_text(), f"run `make golden` and read {name}"


def test_every_fault_of_its_table_is_told():
    found = {one.id for one in contained().faults}
    assert {number: ids - found for number, ids in NUMBERED.items() if ids - found} == {}


def test_the_fault_in_its_text_is_told_where_the_two_meet():
    text = (APPS / "article" / "default.conf").read_text()
    assert re.search("proxy_pass .*:8000", text)
    assert "wrong-port" not in {one.id for one in contained().faults}
