"""What Nginx, Gunicorn and the blog together answer to what should not be sent."""

from __future__ import annotations

import pytest

from tests.integration.site import Visitor
from tests.people import PASSWORD

LIMIT = 8 * 1024 * 1024


@pytest.mark.parametrize("path", ["/login", "/logout", "/desk/people", "/setup"])
def test_a_forged_form_is_refused_with_a_page(visitor, path):
    answer = visitor.post(path, login="owner", password=PASSWORD)
    assert answer.status == 400
    assert "did not come from a page of this site" in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")


def test_a_forged_form_does_not_sign_the_owner_out(visitor):
    assert visitor.send("/login", login="owner", password=PASSWORD).status == 303
    assert visitor.post("/logout", csrf_token="forged").status == 400
    assert visitor.get("/desk/people").status == 200


def test_wrong_passwords_are_limited_by_the_visitors_own_address(site):
    attacker = Visitor(site, address="127.0.0.2")
    for _ in range(5):
        assert attacker.send("/login", login="owner", password="not this one").status == 403
    answer = attacker.send("/login", login="owner", password=PASSWORD)
    assert answer.status == 429
    assert "Too many attempts. Please try again in 15 minutes" in answer.text
    assert int(answer.headers["Retry-After"]) > 600

    # An address that the visitor makes up is not believed, and another visitor is not in the way.
    made_up = {"X-Forwarded-For": "198.51.100.9", "X-Real-IP": "198.51.100.9"}
    answer = attacker.send("/login", made_up, login="owner", password=PASSWORD)
    assert answer.status == 429
    owner = Visitor(site, address="127.0.0.3")
    assert owner.send("/login", login="owner", password=PASSWORD).status == 303


def test_an_upload_over_the_limit_has_a_page_that_nginx_gives(visitor, site):
    assert visitor.send("/login", login="owner", password=PASSWORD).status == 303
    form = {"Content-Type": "multipart/form-data; boundary=edge"}
    body = b"--edge\r\n" + bytes(LIMIT + 1)
    answer = visitor.ask("POST", "/desk/images", headers=form, body=body)
    assert answer.status == 413
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "at most 8" in answer.text
    site.wait_for(r"413 POST /desk/images .*\((by )?nginx\)")
    assert visitor.get("/desk/images").status == 200


def test_a_program_that_uploads_too_much_is_told_in_json(visitor):
    headers = {"Content-Type": "application/octet-stream", "Accept": "application/json"}
    answer = visitor.ask("POST", "/desk/images", headers=headers, body=bytes(LIMIT + 1))
    assert answer.status == 413
    assert answer.headers["Content-Type"].startswith("application/json")
    assert "at most 8" in str(answer.json())
