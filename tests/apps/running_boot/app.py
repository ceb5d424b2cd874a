"""Imports well where it is looked at, and dies, hangs or takes long where it is served.

As an app does that takes a lock, or whose database is gone between the two. TROUBLE names what
happens at the second import, and COUNTER the file that counts them; what takes long takes until
there is a file beside that.
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
    while os.environ["TROUBLE"] == "waits" and not counter.with_name("go").exists():
        time.sleep(0.02)


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"it was imported once too often\n"]
