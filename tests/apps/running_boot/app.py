"""Imports well where it is looked at, and dies or hangs where it is served.

As an app does that takes a lock, or whose database is gone between the two. TROUBLE names what
happens at the second import, and COUNTER the file that counts them.
"""

import os
import time
from pathlib import Path

counter = Path(os.environ["COUNTER"])
with counter.open("a") as file:
    file.write("imported\n")
if len(counter.read_text().splitlines()) > 1:
    if os.environ["TROUBLE"] == "dies":
        raise ConnectionError("the database is gone")
    if os.environ["TROUBLE"] == "hangs":
        time.sleep(3600)


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"it was imported once too often\n"]
