"""A site that asks its extra processes by files, and waits for one of them when it answers."""

import os
import time
from pathlib import Path

from flask import Flask

app = Flask(__name__)


@app.get("/")
def home():
    return "hello\n"


@app.get("/variable")
def variable():
    return os.environ.get("GREETING", "")


@app.get("/slow")
def slow():
    """Answer when the site is stopping, and tell whether the helper is still there."""
    Path("slow").touch()
    while not Path("stopping").exists():
        time.sleep(0.02)
    time.sleep(0.5)
    return "there\n" if Path("helper-runs").exists() else "gone\n"
