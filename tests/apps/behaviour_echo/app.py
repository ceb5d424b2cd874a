"""Answers what the app believes of a request; with ?fixed=1, what it believes behind ProxyFix."""

import hashlib

from flask import Flask, jsonify, redirect, request, url_for
from werkzeug.middleware.proxy_fix import ProxyFix

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

app = Flask(__name__)
app.config.from_prefixed_env("SITE")
app.url_map.merge_slashes = False
plain = app.wsgi_app
fixed = ProxyFix(plain, x_for=1, x_proto=1, x_host=1, x_port=1, x_prefix=1)


def choose(environ, start_response):
    chosen = fixed if "fixed=1" in environ["QUERY_STRING"] else plain
    return chosen(environ, start_response)


app.wsgi_app = choose


@app.route("/", defaults={"path": ""}, methods=METHODS)
@app.route("/<path:path>", methods=METHODS)
def echo(path):
    body = request.get_data()
    environ = request.environ
    return jsonify(
        remote_addr=request.remote_addr,
        scheme=request.scheme,
        is_secure=request.is_secure,
        host=request.host,
        url=url_for("echo", path="there", _external=True),
        static=url_for("static", filename="hello.txt"),
        script_root=request.script_root,
        method=request.method,
        path=request.path,
        query=request.query_string.decode("latin-1"),
        body_bytes=len(body),
        body_sha256=hashlib.sha256(body).hexdigest(),
        raw_uri=environ["RAW_URI"],
        path_info=environ["PATH_INFO"].encode("latin-1").decode(),
        server_name=environ["SERVER_NAME"],
        server_port=environ["SERVER_PORT"],
        http_host=environ.get("HTTP_HOST"),
        headers={name: environ[name] for name in environ if name.startswith("HTTP_")},
        content_length=environ.get("CONTENT_LENGTH"),
    )


@app.route("/redirect")
def to_another_page():
    return redirect(url_for("echo", path="there"))


@app.route("/cookie/<int:size>")
def cookie(size):
    return "a long cookie\n", {"Set-Cookie": "it=" + "c" * (size - 3)}


@app.route("/accel")
def accel():
    """Ask Nginx, as some apps do behind other configurations, to send a file in place of this."""
    return "from the app\n", {
        "X-Accel-Redirect": "/static/hello.txt",
        "X-Accel-Buffering": "no",
        "X-Request-ID": "chosen-by-the-app",
    }
