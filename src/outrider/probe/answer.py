"""Take the request, look at its candidates, answer what the app is.

REQUEST is JSON:

    {"cwd": "/project", "candidates": [
        {"module": "wsgi", "attribute": "app", "import_root": "/project", "label": "wsgi.py"}]}

One JSON object comes back on the descriptor that OUTRIDER_REPORT_FD names; standard output and
error stay the app's own. It holds `python`, `gunicorn`, and either `app`, the fields of
`outrider.facts.App`, or `error`, with the `kind` and the fields of a `Failure`.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

from . import django, frameworks
from .failure import Failure
from .importer import Importer, importer
from .interface import interface_of
from .layers import framework_of, layers_of, outermost
from .servers import ServerWatch
from .target import Found, find, resolve
from .waiting import waits_for

REPORT_VARIABLE = "OUTRIDER_REPORT_FD"
OLDEST_GUNICORN = (23,)


def main() -> None:
    """Answer the request that is this program's argument, and end the process."""
    if len(sys.argv) != 2 or REPORT_VARIABLE not in os.environ:
        sys.exit("the probe is run by outrider, with one argument")
    # Popped, so that the app does not take them for its own, and so that a reloader which starts
    # this program again gets no further than the line above.
    request = json.loads(sys.argv.pop())
    report = int(os.environ.pop(REPORT_VARIABLE))
    os.set_inheritable(report, False)
    process = os.getpid()
    data = json.dumps(_answer(request), default=str).encode()
    if os.getpid() == process:  # else the app forked, and this is its child
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):  # the app may have closed or replaced it
                stream.flush()
        while data:
            data = data[os.write(report, data) :]
    # Not sys.exit: it would wait for the app's threads and run its atexit functions, which may
    # write or deregister things, though this process has never served.
    os._exit(0)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"python": list(sys.version_info[:3]), "gunicorn": None}
    server = request.get("server", "gunicorn")
    if server == "gunicorn":
        try:
            import gunicorn  # noqa: PLC0415 - it may not be there
        except ImportError:
            return {**answer, "error": {"kind": "no-gunicorn"}}
        answer["gunicorn"] = version = gunicorn.__version__
        if gunicorn.version_info < OLDEST_GUNICORN:
            return {**answer, "error": {"kind": "old-gunicorn", "version": version}}
    # As in the server, before the project's folder is on the path, with a logging.py perhaps.
    by = importer(server)

    os.chdir(request["cwd"])
    sys.path.insert(0, request["cwd"])
    try:
        answer["app"] = _look(request["candidates"], by)
    except Failure as failure:
        answer["error"] = {"kind": failure.kind, **failure.fields}
    return answer


def _look(candidates: list[dict[str, Any]], by: Importer) -> dict[str, Any]:
    watch = ServerWatch()
    found: list[Found] = []
    failures: list[Failure] = []
    for candidate in candidates:
        try:
            with watch.watching():
                one = find(candidate, by)
            found.append(one)
        except Failure as failure:  # noqa: PERF203 - there are a handful
            failures.append(failure)
    # No factory is called while there is an app that is made already.
    pool = [one for one in found if not one.is_factory] or found
    pool = [pool[index] for index in outermost({n: one.value for n, one in enumerate(pool)})]
    if pool and all(django.is_app(one.value) for one in pool):
        # Its settings are one for the process, so that these are one app, made several times.
        del pool[1:]
    if not pool:
        raise next((one for one in failures if one.kind != "no-app"), failures[0])
    if len(pool) > 1:
        raise Failure("several", targets=[f"{one.target}  ({one.label})" for one in pool])
    app = pool[0].value
    if pool[0].is_factory:
        with watch.watching():
            app = resolve(pool[0].module, pool[0].expression, by)
    return _facts(pool[0], app)


def _facts(found: Found, app: Any) -> dict[str, Any]:
    """Return the fields of outrider.facts.App."""
    interface = str(interface_of(app))
    layers = layers_of(app)
    return {
        "target": found.target,
        "interface": interface,
        "framework": framework_of(layers) or interface.upper(),
        "import_root": found.import_root,
        "module_file": getattr(found.module, "__file__", None),
        **frameworks.configuration(layers),
        "static": frameworks.static_folders(layers),
        "media": frameworks.media_folders(layers),
        "has_debugger": any(type(one.app).__name__ == "DebuggedApplication" for one in layers),
        "waits_for": waits_for(),
        "rss_bytes": _resident_bytes(),
    }


def _resident_bytes() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * resource.getpagesize()
