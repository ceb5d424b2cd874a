"""Real Gunicorn on an inherited Unix socket, real Nginx in front, and clients made of bare sockets."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
LAUNCH = HERE.parent.parent / "src" / "outrider" / "app" / "launch.py"
NGINX = os.environ.get("NGINX_BINARY") or shutil.which("nginx") or "/usr/sbin/nginx"

NGINX_CONF = """
daemon off;
worker_processes 1;
pid {run}/nginx.pid;
error_log {run}/nginx-error.log warn;
{user}
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {run}/t1; proxy_temp_path {run}/t2; fastcgi_temp_path {run}/t3;
    uwsgi_temp_path {run}/t4; scgi_temp_path {run}/t5;
    client_max_body_size 200m;
    sendfile on;
    keepalive_requests 1000000;
    # Only a WebSocket may change the protocol.
    map $http_upgrade $to_upgrade {{ default ""; websocket websocket; }}
    map $to_upgrade $to_connection {{ default close; websocket upgrade; }}
    upstream app {{ server unix:{run}/app.sock max_fails=0; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://app;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $to_upgrade;
            proxy_set_header Connection $to_connection;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto https;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Real-Port $remote_port;
            proxy_set_header Proxy "";
            proxy_read_timeout 60s;
            proxy_buffers 8 16k;
            proxy_buffer_size 16k;
            proxy_busy_buffers_size 32k;
            gzip off;
        }}
    }}
}}
"""
FORWARDED = "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: https\r\n"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(condition, seconds, step=0.05):
    """Return the first true value of `condition()`, or its last value when the time is over."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(step)


def proc_status(pid, name):
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])
    return 0


class Site:
    """One Gunicorn (and perhaps one Nginx) in a directory of its own; stops both at the end."""

    def __init__(self, contender, target="app:app", *, nginx=True, tcp=False, **env):
        self.run = Path(tempfile.mkdtemp(prefix="asgi-workers-"))
        self.journal = self.run / "journal"
        self.journal.touch()
        self.log = self.run / "gunicorn.log"
        self.unix = str(self.run / "app.sock")
        listener = socket.socket(socket.AF_INET if tcp else socket.AF_UNIX)
        listener.bind(("127.0.0.1", 0) if tcp else self.unix)  # wrk knows no Unix sockets
        self.tcp_port = listener.getsockname()[1] if tcp else None
        listener.listen(2048)
        clean = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith(("GUNICORN", "PYTHON", "LISTEN"))
        }
        full = {
            **clean,
            "JOURNAL": str(self.journal),
            "WORKER_CLASS": contender.worker_class,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            **contender.env,
            **{k: str(v) for k, v in env.items()},
        }
        with self.log.open("wb") as log:
            self.gunicorn = subprocess.Popen(
                [
                    contender.python,
                    str(LAUNCH),
                    str(listener.fileno()),
                    str(HERE / "gunicorn.conf.py"),
                    target,
                ],
                cwd=HERE,
                env=full,
                stdout=log,
                stderr=log,
                pass_fds=[listener.fileno()],
            )
        self.listener = listener  # kept open, as Outrider's supervisor does
        self.port = self.nginx = None
        if nginx:
            self.port = free_port()
            (self.run / "nginx.conf").write_text(
                NGINX_CONF.format(
                    run=self.run, port=self.port, user="user root;" if os.geteuid() == 0 else ""
                )
            )
            self.nginx = subprocess.Popen(
                [
                    NGINX,
                    "-p",
                    str(self.run),
                    "-c",
                    str(self.run / "nginx.conf"),
                    "-e",
                    str(self.run / "nginx-error.log"),
                ]
            )
            until(self._connects, 5)

    def _connects(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in (self.nginx, self.gunicorn):
            if process and process.poll() is None:
                process.send_signal(signal.SIGINT if process is self.gunicorn else signal.SIGTERM)
        for process in (self.nginx, self.gunicorn):
            if process:
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    for pid in self.workers():
                        with contextlib.suppress(OSError):
                            os.kill(pid, signal.SIGKILL)
                    process.kill()
                    process.wait()
        self.listener.close()
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.run, ignore_errors=True)

    def ready(self, seconds=15):
        """Wait until a request is answered; False when Gunicorn has ended or the time is over."""

        def answers():
            if self.gunicorn.poll() is not None:
                return "ended"
            try:
                return self.get("/hello", timeout=1).status == 200
            except OSError:
                return False

        return until(answers, seconds, 0.1) is True

    def workers(self):
        try:
            text = Path(f"/proc/{self.gunicorn.pid}/task/{self.gunicorn.pid}/children").read_text()
        except OSError:
            return []
        return [int(pid) for pid in text.split()]

    def text(self):
        return self.log.read_text(errors="replace")

    def events(self, at=None):
        lines = [json.loads(line) for line in self.journal.read_text().splitlines()]
        return [e for e in lines if at is None or e["at"] == at]

    def event(self, at, seconds=0, number=-1, count=1):
        """Return the text of an event once `count` are there, else None."""
        found = until(lambda: (e := self.events(at)) and len(e) >= count and e, seconds)
        return found[number]["event"] if found else None

    def connect(self, door="unix", timeout=20):
        if self.tcp_port:
            client = socket.create_connection(("127.0.0.1", self.tcp_port), timeout)
        elif door == "unix":
            client = socket.socket(socket.AF_UNIX)
            client.settimeout(timeout)
            client.connect(self.unix)
        else:
            client = socket.create_connection(("127.0.0.1", self.port), timeout)
        return client

    def get(self, path, door="unix", *, timeout=20, **kwargs):
        with self.connect(door, timeout) as client:
            send(client, path, **kwargs)
            return Answer(client, head=kwargs.get("method") == "HEAD")


def send(client, path, *, method="GET", headers="", data=b"", close=True):
    end = "Connection: close\r\n" if close else ""
    length = f"Content-Length: {len(data)}\r\n" if data or method == "POST" else ""
    request = (
        f"{method} {path} HTTP/1.1\r\nHost: example.org\r\n{FORWARDED}{end}{length}{headers}\r\n"
    )
    client.sendall(request.encode() + data)


class Answer:
    """One HTTP/1.1 answer. `whole` is False when its end is missing: the client sees a cut."""

    def __init__(self, client, *, head=False, left=b""):
        self.status, self.headers, self.body, self.whole, self.first_at = 0, {}, b"", False, None
        self.raw_headers = b""
        raw = left
        while True:
            while b"\r\n\r\n" not in raw:
                try:
                    piece = client.recv(65536)
                except ConnectionResetError:
                    piece = b""
                if not piece:
                    self.rest = raw
                    return
                raw += piece
            self.raw_headers, _, raw = raw.partition(b"\r\n\r\n")
            lines = self.raw_headers.decode("latin-1").split("\r\n")
            self.status = int(lines[0].split()[1])
            if self.status >= 200 or self.status == 101:
                break
        self.headers = {
            k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])
        }
        self.rest = raw
        if self.status == 101:
            return
        none = head or self.status in (204, 304)
        if none:
            self.whole = True
            return
        length = self.headers.get("content-length")
        chunked = "chunked" in self.headers.get("transfer-encoding", "")
        data, decoded = raw, b""
        while True:
            if chunked:
                state = self._chunks(data)
                if state is not None:
                    decoded, self.whole, self.rest = state
                    self.body = decoded
                    if self.whole:
                        return
            elif length is not None and len(data) >= int(length):
                self.body, self.rest, self.whole = data[: int(length)], data[int(length) :], True
                return
            try:
                piece = client.recv(1 << 16)
            except ConnectionResetError:
                piece = b""
            if self.first_at is None and piece:
                self.first_at = time.monotonic()
            if not piece:
                if not chunked:
                    self.body, self.rest = data, b""
                    self.whole = length is None
                return
            data += piece

    @staticmethod
    def _chunks(data):
        out = b""
        while True:
            line, mark, rest = data.partition(b"\r\n")
            if not mark:
                return out, False, b""
            try:
                size = int(line.split(b";")[0], 16)
            except ValueError:
                return out, False, data
            if size == 0:
                return out, rest.startswith(b"\r\n"), rest[2:]
            if len(rest) < size + 2:
                return out + rest[:size], False, b""
            out += rest[:size]
            data = rest[size + 2 :]

    @property
    def json(self):
        return json.loads(self.body)


class WebSocket:
    """A client of RFC 6455 that can also misbehave."""

    def __init__(self, site, path, door, *, protocols="", timeout=15):
        self.client = site.connect(door, timeout)
        key = base64.b64encode(os.urandom(16)).decode()
        offer = f"Sec-WebSocket-Protocol: {protocols}\r\n" if protocols else ""
        self.client.sendall(
            f"GET {path} HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{offer}{FORWARDED}\r\n".encode()
        )
        self.answer = Answer(self.client)
        self.left = self.answer.rest
        digest = hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        self.accepted = (
            self.answer.status == 101
            and self.answer.headers.get("sec-websocket-accept") == base64.b64encode(digest).decode()
        )
        self.pings = 0
        self.deadline = None  # for all of what follows, where pings keep coming

    def frame(self, opcode, data=b"", *, fin=True):
        if isinstance(data, str):
            data = data.encode()
        head = bytes([(0x80 if fin else 0) | opcode])
        size = len(data)
        if size < 126:
            head += bytes([0x80 | size])
        elif size < 65536:
            head += bytes([0x80 | 126]) + struct.pack("!H", size)
        else:
            head += bytes([0x80 | 127]) + struct.pack("!Q", size)
        self.client.sendall(head + b"\0\0\0\0" + data)  # a mask of zeros changes nothing

    def _exactly(self, size):
        while len(self.left) < size:
            if self.deadline:
                self.client.settimeout(max(0.01, self.deadline - time.monotonic()))
            piece = self.client.recv(1 << 16)
            if not piece:
                raise EOFError
            self.left += piece
        data, self.left = self.left[:size], self.left[size:]
        return data

    def read(self, *, pong=True):
        """Return (opcode, data); ("eof", b"") when the connection ends without a close frame."""
        while True:
            try:
                first, second = self._exactly(2)
                size = second & 127
                if size == 126:
                    (size,) = struct.unpack("!H", self._exactly(2))
                elif size == 127:
                    (size,) = struct.unpack("!Q", self._exactly(8))
                data = self._exactly(size)
            except (EOFError, ConnectionResetError):
                return "eof", b""
            opcode = first & 15
            if opcode == 9:
                self.pings += 1
                if pong:
                    self.frame(10, data)
                continue
            return opcode, data

    def close_code(self):
        """Read up to the close frame, answer it, and return its code (or "cut")."""
        while True:
            opcode, data = self.read()
            if opcode == "eof":
                return "cut"
            if opcode == 8:
                code = struct.unpack("!H", data[:2])[0] if data else 1005
                with contextlib.suppress(OSError):
                    self.frame(8, data)
                self.client.close()
                return code
