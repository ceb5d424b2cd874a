"""The new code is asked for a page by a process that serves nobody: what its exit code tells."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

APP = Path(__file__).parent.parent / "src" / "outrider" / "app"
WORKS, NOT_IMPORTED, RAISED, SERVER_ERROR = 0, 3, 4, 5


@pytest.fixture
def tried(tmp_path):
    """Try an app that consists of these lines."""

    shim = tmp_path / "run" / "outrider_shim"  # as it is called where it runs
    shim.parent.mkdir()
    shim.symlink_to(APP / "shim")

    def run(code, *, interface="wsgi", target="app:app", prefix=""):
        (tmp_path / "app.py").write_text(textwrap.dedent(code))
        argv = [sys.executable, "-B", str(APP / "trial.py"), str(shim), interface, target]
        return subprocess.run(
            [*argv, str(tmp_path), prefix, "shop.example:8080"],
            check=False,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def answering(status: str, body: str = "[b'page']") -> str:
    return f"""
        def app(environ, start_response):
            start_response({status!r}, [])
            return {body}
    """


def asgi(*lines: str, lifespan: str = "startup.complete") -> str:
    """Return an app with these lines for a request."""
    inner = textwrap.indent("\n".join(lines), " " * 4)
    return f"""
from asyncio import sleep

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({{"type": "lifespan.{lifespan}", "message": "no database"}})
        await receive()
        return await send({{"type": "lifespan.shutdown.complete"}})
    async def start(status):
        await send({{"type": "http.response.start", "status": status, "headers": []}})
    async def body(**more):
        await send({{"type": "http.response.body", "body": b"x", **more}})
{inner}
"""


# -- it works --------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["200 OK", "302 Found", "401 Unauthorized", "404 Not Found"])
def test_any_answer_below_500_will_do(tried, status):
    done = tried(answering(status))
    assert done.returncode == WORKS
    assert done.stdout.endswith(f"GET / is answered with {status[:3]}\n")


def test_the_app_is_asked_below_its_prefix_and_under_its_host(tried):
    done = tried(
        """
        def app(environ, start_response):
            keys = "SCRIPT_NAME", "PATH_INFO", "HTTP_HOST", "wsgi.url_scheme"
            print([environ[key] for key in keys])
            start_response("200 OK", [])
            return []
        """,
        prefix="/shop",
    )
    assert done.returncode == WORKS, done.stderr
    assert "['/shop', '/', 'shop.example:8080', 'http']" in done.stdout


def test_a_factory_is_called(tried):
    code = "def make(name):\n    return lambda e, start: [start(name, [])] and [b'']\n"
    assert tried(code, target="app:make('204 No Content')").returncode == WORKS


def test_a_module_of_the_apps_may_be_called_as_one_of_ours(tried, tmp_path):
    (tmp_path / "collect.py").write_text("STATUS = '200 OK'\n")
    done = tried(f"import collect\n{textwrap.dedent(answering('200 OK'))}\nassert collect.STATUS\n")
    assert done.returncode == WORKS, done.stderr


def test_a_thread_of_the_apps_does_not_keep_it(tried):
    forever = "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\n"
    assert tried(forever + textwrap.dedent(answering("200 OK"))).returncode == WORKS


@pytest.mark.parametrize(
    "lines",
    [
        ["await start(200)", "await body()"],
        [
            "await start(200)",
            "while True:",
            "    await sleep(0.01)",
            "    await body(more_body=True)",
        ],
    ],
    ids=["ends", "goes on for ever"],
)
def test_an_asgi_answer_that_has_begun_is_one(tried, lines):
    done = tried(asgi(*lines), interface="asgi")
    assert (done.returncode, done.stdout) == (WORKS, "GET / is answered with 200\n"), done.stderr


# -- it does not -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import nowhere", "No module named 'nowhere'"),
        ("def app(:", "SyntaxError"),
        ("raise SystemExit('no settings')", "no settings"),
        ("other = None", "no attribute 'app'"),
        ("app = 3", "app:app is not callable"),
    ],
    ids=str,
)
def test_what_cannot_be_imported(tried, code, told):
    done = tried(code)
    assert done.returncode == NOT_IMPORTED
    assert told in done.stderr


def test_the_traceback_begins_with_their_code(tried):
    done = tried("def deep():\n    1 / 0\n\ndeep()\n")
    frames = [line for line in done.stderr.splitlines() if line.startswith('  File "')]
    assert [frame.rpartition("/")[2] for frame in frames] == [
        'app.py", line 4, in <module>',
        'app.py", line 2, in deep',
    ]


def test_an_app_whose_lifespan_fails_does_not_start(tried):
    done = tried(asgi("pass", lifespan="startup.failed"), interface="asgi")
    assert done.returncode == NOT_IMPORTED
    assert "no database" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("interface", "code"),
    [
        ("wsgi", "def app(environ, start_response):\n    1 / 0\n"),
        ("wsgi", answering("200 OK", "(1 / 0 for _ in 'x')")),
        ("asgi", asgi("1 / 0")),
        ("asgi", asgi("await start(200)", "await body()", "1 / 0")),
    ],
    ids=["at once", "in its body", "asgi", "asgi after its answer"],
)
def test_what_raises_on_a_request(tried, interface, code):
    done = tried(code, interface=interface)
    assert done.returncode == RAISED
    assert "ZeroDivisionError" in done.stderr
    assert "answered" not in done.stdout


def test_an_asgi_app_that_returns_without_an_answer_raises(tried):
    done = tried(asgi("pass"), interface="asgi")
    assert done.returncode == RAISED
    assert "without an answer" in done.stderr


@pytest.mark.parametrize(
    ("interface", "code"),
    [("wsgi", answering("503 Busy")), ("asgi", asgi("await start(503)", "await body()"))],
)
def test_a_server_error_is_told_apart(tried, interface, code):
    done = tried(code, interface=interface)
    assert done.returncode == SERVER_ERROR
    assert "GET / is answered with 503" in done.stdout


@pytest.mark.parametrize("prints", [True, False])
def test_the_traceback_of_a_server_error_is_shown_once(tried, prints):
    """Frameworks log it; Django prints it only where DEBUG is on."""
    handler = "logging.StreamHandler()" if prints else "logging.NullHandler()"
    done = tried(f"""
        import logging

        logging.getLogger().addHandler({handler})

        def app(environ, start_response):
            try:
                1 / 0
            except ZeroDivisionError:
                logging.getLogger("shop").exception("oh")
            start_response("500 Oh", [])
            return []
    """)
    assert done.returncode == SERVER_ERROR
    assert done.stderr.count("ZeroDivisionError") == 1
