"""A site whose pages say which release they are of, and which can be broken from outside."""

import os
import sys
import time
from pathlib import Path

from flask import Flask, request, url_for

app = Flask(__name__)
RELEASE = Path(__file__).with_name("release.txt").read_text().strip()
FAULT = Path(__file__).with_name("fault.txt").read_text().strip()

if FAULT == "does not boot" and "migrate" not in sys.argv:
    raise RuntimeError("release %s does not boot" % RELEASE)


@app.before_request
def fail():
    if FAULT == "is unhealthy":
        return "release %s is not well\n" % RELEASE, 500


@app.get("/")
def home():
    style = url_for("static", filename="style-%s.css" % RELEASE)
    return "release %s <link href='%s'>\n" % (RELEASE, style)


@app.post("/")
def write():
    return "release %s took %s bytes\n" % (RELEASE, len(request.get_data()))


@app.get("/slow")
def slow():
    time.sleep(float(request.args["s"]))
    return "release %s\n" % RELEASE


@app.cli.command("migrate")
def migrate():
    if FAULT == "fails to migrate":
        raise SystemExit("release %s cannot migrate" % RELEASE)
    print("migrated to release %s, for %s" % (RELEASE, os.environ.get("USER", "nobody")))
