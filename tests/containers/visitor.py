"""Somebody with a browser: keeps cookies, and sends forms with the token of their page."""

from __future__ import annotations

import contextlib
import http.client
import re
import time
import uuid
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.integration.running import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.containers.compose import Compose

PATIENCE_S = 60
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080200000090775"
    "3de0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
"""The smallest picture that every reader of pictures takes."""


@dataclass
class Visitor:
    """Asks a site through its proxy."""

    site: Compose
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(
        self, path: str, *, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Return an answer; with a body it is asked by POST."""
        connection = http.client.HTTPConnection(*self.site.address("proxy", 8080), timeout=20)
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        with contextlib.closing(connection):
            sent = {**({"Cookie": cookie} if cookie else {}), **(headers or {})}
            connection.request("GET" if body is None else "POST", path, body=body, headers=sent)
            response = connection.getresponse()
            for line in response.headers.get_all("Set-Cookie", ()):
                self.cookies |= {name: one.value for name, one in SimpleCookie(line).items()}
            return Answer(response.status, response.headers, response.read())

    def get(self, path: str) -> Answer:
        """Return a page that must be there."""
        answer = self.ask(path)
        assert answer.status == 200, answer.text
        return answer

    def get_once_it_is_there(self, path: str) -> Answer:
        """Return a page, asked for again while the site comes back."""
        return until(lambda: self._if_there(path), f"{path} did not come")

    def _if_there(self, path: str) -> Answer | None:
        try:
            answer = self.ask(path)
        except (OSError, http.client.HTTPException):
            return None
        return answer if answer.status == 200 else None

    def token(self, path: str) -> str:
        """Return what a form of this page has to bring along."""
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(path).text)
        assert found
        return found[1]

    def send(self, path: str, **fields: str) -> Answer:
        """Fill in the form of a page and send it."""
        body = urlencode({"csrf_token": self.token(path), **fields}).encode()
        return self.ask(
            path, body=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
        )

    def upload(self, path: str, field: str, filename: str, **fields: str) -> Answer:
        """Send a picture under the name of a form's field."""
        line = uuid.uuid4().hex
        parts = [
            f'--{line}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
            for key, value in fields.items()
        ]
        head = f'Content-Disposition: form-data; name="{field}"; filename="{filename}"'
        parts.append(f"--{line}\r\n{head}\r\nContent-Type: image/png\r\n\r\n")
        body = "".join(parts).encode() + PNG + f"\r\n--{line}--\r\n".encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={line}",
            "Accept": "application/json",
        }
        return self.ask(path, body=body, headers=headers)


def until(holds: Callable[[], Any], otherwise: str = "it did not happen") -> Any:
    """Return what a function returns as soon as that is something."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := holds()):
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.2)
    return found
