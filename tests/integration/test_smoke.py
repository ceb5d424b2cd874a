"""The first thing a stranger does: the example site, with both builds of Nginx."""

import pytest

from tests.integration.running import EXAMPLE, serving

pytestmark = pytest.mark.integration


def test_the_example_is_served(nginx, free_port):
    with serving(cwd=EXAMPLE, port=free_port, nginx=nginx) as site:
        assert site.get("/").status == 200
        assert site.get("/static/app.mjs").headers["Content-Type"].startswith("text/javascript")
        assert site.get("/whoami").json()["remote_addr"] == "127.0.0.1"
        assert site.stop() == 0
        assert not site.run_dir.exists()
