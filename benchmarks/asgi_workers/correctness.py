"""The checks: each starts from a situation, and returns (good, what was seen)."""

from __future__ import annotations

import contextlib
import signal
import socket
import struct
import subprocess
import threading
import time
from collections import Counter

from rig import Answer, Site, WebSocket, proc_status, send, until

SHARED = []  # (name, function(site, door), doors): all on one running site
ALONE = []  # (name, function(contender)): each starts what it needs


def shared(name, doors=("unix", "nginx")):
    return lambda function: SHARED.append((name, function, doors)) or function


def alone(name):
    return lambda function: ALONE.append((name, function)) or function


def leave(client):
    """Close at once, as a browser does whose user has gone."""
    with contextlib.suppress(OSError):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


# -- the scope ------------------------------------------------------------------


@shared("scope: client address", ("nginx",))
def _(site, door):
    client = site.get("/scope", door).json.get("client")
    return bool(client) and client[0] == "127.0.0.1" and client[1] > 0, client


@shared("scope: scheme of X-Forwarded-Proto")
def _(site, door):
    scheme = site.get("/scope", door).json["scheme"]
    return scheme == "https", scheme


@shared("scope: server", ("nginx",))
def _(site, door):
    server = site.get("/scope", door).json["server"]
    good = server == ["example.org", 443]
    return good or None, [str(s)[-12:] for s in server] if server else server


@shared("scope: path, raw_path, query_string")
def _(site, door):
    seen = site.get("/scope/a%20b%2Fc%C3%A9?x=%31", door).json
    got = (seen["path"], seen["raw_path"], seen["query_string"])
    return got == ("/scope/a b/cé", "b'/scope/a%20b%2Fc%C3%A9'", "b'x=%31'"), got


@shared("scope: http_version, root_path", ("nginx",))
def _(site, door):
    seen = site.get("/scope", door).json
    return (seen["http_version"], seen["root_path"]) == ("1.1", ""), (
        seen["http_version"],
        seen["root_path"],
    )


@shared("scope: spec_version, extensions", ("unix",))
def _(site, door):
    seen = site.get("/scope", door).json
    return None, (seen["asgi"].get("spec_version"), list(seen.get("extensions") or []))


@shared("scope: lifespan state, a copy a request", ("unix",))
def _(site, door):
    first, second = (site.get("/scope", door).json["state"] for _ in range(2))
    return first == second == {"shared": "yes"}, second


# -- bodies ------------------------------------------------------------------------


@shared("request without a body")
def _(site, door):
    get = site.get("/messages", door).json
    post = site.get("/messages", door, method="POST").json
    return get == post == [["http.request", 0, False]], get if get == post else (get, post)


@shared("chunked request", ("unix",))
def _(site, door):
    with site.connect(door) as client:
        client.sendall(b"POST /messages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.sendall(b"5\r\nhello\r\n")
        time.sleep(0.2)
        client.sendall(b"5\r\nworld\r\n0\r\n\r\n")
        seen = Answer(client).json
    good = sum(m[1] for m in seen) == 10 and seen[-1][2] is False and all(m[2] for m in seen[:-1])
    return good, seen


def upload(site, door):
    size = 100 << 20
    pid = site.workers()[0]
    before, peak, stop = proc_status(pid, "VmRSS"), [0], threading.Event()

    def watch():
        while not stop.wait(0.02):
            peak[0] = max(peak[0], proc_status(pid, "VmRSS"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    with site.connect(door, 60) as client:
        client.sendall(
            f"POST /swallow HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n".encode()
        )
        block = b"u" * (1 << 20)
        for _ in range(size >> 20):
            client.sendall(block)
        answer = Answer(client)
    stop.set()
    watcher.join()
    grown = (peak[0] - before) / 1024
    seen = answer.json if answer.status == 200 else {}
    good = seen.get("total") == size and grown < 12
    return good, f"{answer.status}, {seen.get('largest', 0) >> 10} kB pieces, +{grown:.0f} MB"


@shared("100 MB upload, slow app: memory")
def _(site, door):
    return upload(site, door)


@shared("200 MB stream, slow reader: memory", ("unix",))
def _(site, door):
    pid = site.workers()[0]
    before = proc_status(pid, "VmRSS")
    with site.connect(door, 60) as client:
        send(client, "/flood")
        client.recv(65536)
        time.sleep(1.5)
        peak, total = proc_status(pid, "VmRSS"), 65536
        while piece := client.recv(1 << 18):
            total += len(piece)
            peak = max(peak, proc_status(pid, "VmRSS"))
    grown = (peak - before) / 1024
    return total > 200 << 20 and grown < 12, f"+{grown:.0f} MB"


@shared("20 slow chunks arrive one by one", ("unix",))
def _(site, door):
    with site.connect(door) as client:
        began = time.monotonic()
        send(client, "/slow-chunks")
        answer = Answer(client)
        first = (answer.first_at or time.monotonic()) - began
    good = answer.whole and len(answer.body) == 60 and first < 0.5
    return good, f"first after {first:.2f} s, {len(answer.body)} bytes"


@shared("HEAD: no body, length kept")
def _(site, door):
    with site.connect(door) as client:
        send(client, "/with-length", method="HEAD")
        answer = Answer(client, head=True)
        rest = answer.rest + (client.recv(100) or b"")
    return rest == b"" and answer.headers.get("content-length") == "5", (
        answer.headers.get("content-length"),
        rest,
    )


@shared("204 and 304 without a body")
def _(site, door):
    seen, good = [], True
    for path in ("/no-content", "/not-modified"):
        with site.connect(door) as client:
            send(client, path)
            answer = Answer(client)
            rest = answer.rest + (client.recv(100) or b"")
        framing = [h for h in ("content-length", "transfer-encoding") if h in answer.headers]
        good = good and rest == b"" and not framing
        seen.append((answer.status, len(rest), *framing))
    return good, seen


@shared("Expect: 100-continue", ("unix",))
def _(site, door):
    seen = []
    for path in ("/messages", "/refuse-body"):
        with site.connect(door, 3) as client:
            client.sendall(
                f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n".encode()
            )
            try:
                first = client.recv(65536).split(b"\r\n")[0].decode()
            except TimeoutError:
                first = "nothing"
            seen.append(first[9:12] or first)
    return seen == ["100", "413"], seen


@shared("keep-alive and pipelining", ("unix",))
def _(site, door):
    with site.connect(door, 5) as client:
        send(client, "/hello", close=False)
        one = Answer(client)
        client.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
        two = Answer(client, left=one.rest)
        three = Answer(client, left=two.rest)
        send(client, "/hello")
        four = Answer(client, left=three.rest)
        ended = client.recv(1) == b""
    good = [a.status for a in (one, two, three, four)] == [200] * 4 and ended
    return good, [a.status for a in (one, two, three, four)]


# -- errors: the client must see them -------------------------------------------------


def seen_as(answer):
    if not answer.status:
        return "cut before the header"
    return f"{answer.status} {'whole' if answer.whole else 'cut'}"


def sees(name, path, good, text=None):
    @shared(name)
    def _(site, door):
        with site.connect(door, 5) as client:
            send(client, path)
            try:
                seen = seen_as(Answer(client))
            except TimeoutError:
                seen = "hangs"
        return seen in good, seen


ERROR = ("500 whole", "502 whole")
CUT = ("200 cut", "cut before the header", *ERROR)
sees("error before the header", "/error-before", ERROR)
sees("error after the header, before the body", "/error-after-start", CUT)
sees("error in a chunked body", "/error-after-chunk", CUT)
sees("error in a body with a length", "/error-after-length", CUT)
sees("app returns without an answer", "/silent", ERROR)
sees("app returns in the middle", "/unfinished", CUT)
sees("body shorter than its length", "/too-short", CUT)
sees("body longer than its length", "/too-long", (*CUT, "200 whole"))
sees("CR LF in a header value", "/injected", (*ERROR, "cut before the header"))


@shared("answer started twice", ("unix",))
def _(site, door):
    before = len(site.text())
    with site.connect(door, 5) as client:
        send(client, "/twice")
        answer = Answer(client)
    time.sleep(0.3)
    logged = "Traceback" in site.text()[before:]
    return logged, f"{seen_as(answer)}, {'traceback logged' if logged else 'not logged'}"


# -- the client goes -------------------------------------------------------------------


@shared("request.is_disconnected() five times")
def _(site, door):
    seen = site.get("/polled", door).json
    return not any(seen), "".join("TF"[not s] for s in seen)


@shared("receive() given up, asked again", ("unix",))
def _(site, door):
    seen = site.get("/cancelled-receive", door).json
    return seen == ["waiting"] * 3, seen


@shared("event stream that polls is_disconnected()")
def _(site, door):
    answer = site.get("/polled-stream", door)
    count = answer.body.count(b"data:")
    return count == 8 and answer.whole, f"{answer.status}, {count} of 8 events"


def gone(site, door, path, at, good, wait=9.5):
    before = len(site.events(at))
    client = site.connect(door)
    send(client, path)
    until(lambda: len(site.events(at)) > before, 3)
    time.sleep(0.3)
    leave(client)
    site.event(at, wait, count=before + 2)
    events = site.events(at)[before + 1 :]
    seen = f"{events[0]['event']} {events[0].get('after', '')}".strip() if events else "nothing"
    return events != [] and events[0]["event"] in good, seen


@shared("http.disconnect when the client goes")
def _(site, door):
    return gone(site, door, "/watch", "watch", ("http.disconnect",))


@shared("two receive() at once, client goes", ("unix",))
def _(site, door):
    before = len(site.events("two"))
    client = site.connect(door)
    send(client, "/two-watchers")
    until(lambda: len(site.events("two")) > before, 3)
    time.sleep(0.2)
    leave(client)
    site.event("two", 5, count=before + 2)
    count = site.events("two")[-1].get("count")
    return count == 2, f"{count} of 2 told"


@shared("endless send(), client goes")
def _(site, door):
    return gone(site, door, "/endless", "endless", ("OSError from send", "cancelled"))


@shared("Starlette stream ends, client goes")
def _(site, door):
    good, seen = gone(
        site, door, "/starlette-endless", "stream", ("CancelledError", "GeneratorExit", "OSError")
    )
    return good, seen


@shared("request goes on to its end, client goes")
def _(site, door):
    return gone(site, door, "/commit", "commit", ("committed",))


@shared("background task after the answer (4.5 s)")
def _(site, door):
    before = len(site.events("background"))
    answer = site.get("/background", door)
    site.event("background", 8, count=before + 2)
    events = [e["event"] for e in site.events("background")[before:]]
    return answer.whole and events[-1] == "finished", events[-1] if events else "nothing"


# -- WebSocket ----------------------------------------------------------------------------


@shared("WebSocket: accept, subprotocol, header")
def _(site, door):
    ws = WebSocket(site, "/ws-echo", door, protocols="a, b")
    seen = (
        ws.answer.status,
        ws.answer.headers.get("sec-websocket-protocol"),
        ws.answer.headers.get("x-mine"),
    )
    ws.client.close()
    return ws.accepted and seen == (101, "b", "yes"), seen


def opened(site, door, path="/ws-echo", **kwargs):
    ws = WebSocket(site, path, door, **kwargs)
    if not ws.accepted:
        ws.client.close()
        raise OSError(f"not accepted: {ws.answer.status}")
    return ws


@shared("WebSocket: text, binary, fragments, ping")
def _(site, door):
    ws = opened(site, door)
    ws.frame(1, "grüß")
    ws.frame(2, b"\x00\xff")
    ws.frame(1, "one ", fin=False)
    ws.frame(9, b"p")
    ws.frame(0, "two")
    seen = [ws.read() for _ in range(4)]
    ws.client.close()
    good = sorted(seen) == sorted(
        [(1, "grüß".encode()), (2, b"\x00\xff"), (10, b"p"), (1, b"one two")]
    )
    return good, [f"{o}:{d.decode('latin-1')!r}" for o, d in seen] if not good else "all"


@shared("WebSocket: 15 MB message", ("unix",))
def _(site, door):
    ws = opened(site, door, timeout=30)
    began = time.monotonic()
    ws.frame(2, b"x" * (15 << 20))
    opcode, data = ws.read()
    took = time.monotonic() - began
    ws.client.close()
    return data == str(15 << 20).encode() and took < 2.5, f"{took:.1f} s"


@shared("WebSocket: 17 MB message refused", ("unix",))
def _(site, door):
    ws = opened(site, door, timeout=30)
    with contextlib.suppress(OSError):
        ws.frame(2, b"x" * (17 << 20))
    with contextlib.suppress(OSError):
        code = ws.close_code()
        return code in (1009, "cut"), code
    return True, "cut"


@shared("WebSocket: the client's close code")
def _(site, door):
    before = len(site.events("ws"))
    ws = opened(site, door)
    ws.frame(8, struct.pack("!H", 4001) + b"done")
    opcode, data = ws.read()
    site.event("ws", 3, count=before + 1)
    ws.client.close()
    events = site.events("ws")[before:]
    code = events[0]["code"] if events else None
    return code == 4001 and data[:2] == struct.pack("!H", 4001), (code, data[:2].hex())


@shared("WebSocket: the app's close code")
def _(site, door):
    ws = opened(site, door)
    ws.frame(1, "close")
    code = ws.close_code()
    return code == 4002, code


@shared("WebSocket: app returns without close")
def _(site, door):
    ws = opened(site, door)
    ws.frame(1, "return")
    code = ws.close_code()
    return code in (1000, 1005, "cut"), code


@shared("WebSocket: app raises")
def _(site, door):
    before = len(site.text())
    ws = opened(site, door)
    ws.frame(1, "raise")
    code = ws.close_code()
    logged = until(lambda: "in a socket" in site.text()[before:], 2)
    return bool(logged) and code in (
        1011,
        1006,
        "cut",
    ), f"{code}, {'logged' if logged else 'not logged'}"


@shared("WebSocket: close before accept is 403")
def _(site, door):
    ws = WebSocket(site, "/ws-reject", door)
    ws.client.close()
    return ws.answer.status == 403, ws.answer.status


@shared("WebSocket: denial response")
def _(site, door):
    ws = WebSocket(site, "/ws-deny", door)
    ws.client.close()
    return (ws.answer.status, ws.answer.body) == (401, b"denied"), ws.answer.status


@shared("WebSocket: client goes without close")
def _(site, door):
    before = len(site.events("ws"))
    ws = opened(site, door)
    leave(ws.client)
    site.event("ws", 5, count=before + 1)
    events = site.events("ws")[before:]
    return bool(events) and events[0]["code"] in (1005, 1006), events[0][
        "code"
    ] if events else "not told"


@shared("WebSocket: send() after the client has gone")
def _(site, door):
    before = len(site.events("ws_sender"))
    ws = opened(site, door, "/ws-sender")
    ws.read()
    leave(ws.client)
    site.event("ws_sender", 9.5, count=before + 1)
    events = site.events("ws_sender")[before:]
    return bool(events) and events[0]["event"] == "OSError", events[0][
        "event"
    ] if events else "nothing"


@shared("WebSocket: idle for 75 s, Nginx waits 60 s", ("nginx",))
def _(site, door):
    ws = opened(site, door, timeout=80)
    ws.deadline = time.monotonic() + 75
    try:
        end = ws.read()[0]
        return False, f"ended: {end}, {ws.pings} pings"
    except TimeoutError:
        pass
    ws.deadline = None
    ws.client.settimeout(5)
    ws.frame(1, "still")
    good = ws.read() == (1, b"still")
    ws.client.close()
    return good, f"alive, {ws.pings} pings"


# -- the process -------------------------------------------------------------------------


@shared("backlog asked for: 2048", ("unix",))
def _(site, door):
    lines = subprocess.run(
        ["ss", "-xlnH"], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    row = next((line.split() for line in lines if site.unix in line), None)
    return bool(row) and row[3] == "2048", row and row[3]


@shared("memory of one idle connection", ("unix",))
def _(site, door):
    pid = site.workers()[0]
    clients = []
    for _ in range(100):  # a first round warms the allocator
        client = site.connect(door)
        send(client, "/hello", close=False)
        Answer(client)
        client.close()
    before = proc_status(pid, "VmRSS")
    for number in range(400):
        client = site.connect(door)
        clients.append(client)
        if number % 50 == 0:
            time.sleep(0.1)  # the listen queue may be short
    time.sleep(1)
    grown = (proc_status(pid, "VmRSS") - before) / 400
    for client in clients:
        client.close()
    return None, f"{grown:.1f} kB"


# -- the life of a worker ---------------------------------------------------------------


def startup(name, target, good, *, served=None, **env):
    @alone(name)
    def _(contender):
        with Site(contender, target, nginx=False, **env) as site:
            ready = site.ready(6)
            ended = site.gunicorn.poll() if ready else until(site.gunicorn.poll, 4)
            told = "no database here" in site.text()
            seen = (
                "serves"
                if ready
                else ("starts again and again" if ended is None else f"ends with {ended}")
            )
            return seen in good, seen + (", reason logged" if told else "")


startup("lifespan: startup.failed with a reason", "app:failed_message", ("ends with 3",))
startup("lifespan: startup.failed without", "app:failed_silent", ("ends with 3",))
startup("lifespan: raises during startup", "app:raises", ("ends with 3",))
startup("lifespan: app has none (raises)", "app:unsupported", ("serves",))
startup("lifespan: app has none (returns)", "app:returns", ("serves",))
startup("lifespan: startup never ends (timeout 4)", "app:never", ("ends with 3",), TIMEOUT=4)


def stop(site, seconds=20):
    began = time.monotonic()
    site.gunicorn.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        site.gunicorn.wait(seconds)
    return time.monotonic() - began


@alone("stop: lifespan.shutdown runs, hooks, atexit")
def _(contender):
    with Site(contender, nginx=False) as site:
        site.ready()
        took = stop(site)
        missing = [
            name
            for name, there in (
                ("shutdown", "shut down" in [e["event"] for e in site.events("lifespan")]),
                ("worker_exit", "worker_exit" in [e["event"] for e in site.events("hook")]),
                (
                    "atexit",
                    len(site.events("atexit")) >= 1
                    and len({e["pid"] for e in site.events("atexit")} - {site.gunicorn.pid}) == 1,
                ),
            )
            if not there
        ]
        return not missing, f"{took:.1f} s" + (
            ", missing: " + ", ".join(missing) if missing else ""
        )


@alone("stop: lifespan.shutdown that raises is logged")
def _(contender):
    with Site(contender, "app:shutdown_fails", nginx=False) as site:
        site.ready()
        stop(site)
        logged = "cannot close the database" in site.text()
        return logged, "logged" if logged else "silent"


@alone("stop: a request of 2 s is answered")
def _(contender):
    with Site(contender) as site:
        site.ready()
        client = site.connect("nginx")
        send(client, "/sleep2")
        time.sleep(0.5)
        took = stop(site)
        answer = Answer(client)
        client.close()
        shut = "shut down" in [e["event"] for e in site.events("lifespan")]
        return (
            answer.status == 200 and shut,
            f"{answer.status} in {took:.1f} s{'' if shut else ', no lifespan.shutdown'}",
        )


@alone("stop: a request of 15 s (graceful_timeout 6)")
def _(contender):
    with Site(contender) as site:
        site.ready()
        client = site.connect("nginx")
        send(client, "/sleep15")
        time.sleep(0.5)
        took = stop(site)
        answer = Answer(client)
        client.close()
        shut = "shut down" in [e["event"] for e in site.events("lifespan")]
        return (
            shut and took < 8,
            f"{answer.status} in {took:.1f} s{'' if shut else ', no lifespan.shutdown'}",
        )


@alone("stop: a background task of 4.5 s ends")
def _(contender):
    with Site(contender, GRACEFUL=12) as site:
        site.ready()
        site.get("/background", "nginx")
        time.sleep(0.3)
        took = stop(site)
        event = site.event("background")
        return event == "finished", f"{event} in {took:.1f} s"


@alone("stop: an open WebSocket")
def _(contender):
    with Site(contender) as site:
        site.ready()
        ws = opened(site, "nginx")
        code = []
        reader = threading.Thread(target=lambda: code.append(ws.close_code()))
        reader.start()
        took = stop(site)
        reader.join(10)
        told = site.event("ws")
        return (
            bool(code) and code[0] in (1001, 1012) and took < 3,
            f"close {code[0] if code else None}, {took:.1f} s, app {'told' if told else 'not told'}",
        )


@alone("stop: a request that comes on an accepted connection")
def _(contender):
    """What a reload does to a request that Nginx is just sending."""
    with Site(contender, nginx=False) as site:
        site.ready()
        with site.connect() as client:
            time.sleep(0.5)  # the worker has accepted it
            site.gunicorn.send_signal(signal.SIGTERM)
            time.sleep(0.5)  # and has heard the order
            try:
                send(client, "/hello")
                status = Answer(client).status
            except OSError as error:
                status = type(error).__name__
        return status == 200, status or "cut"


@alone("stop: an idle kept connection (keepalive 2)")
def _(contender):
    with Site(contender, nginx=False) as site:
        site.ready()
        client = site.connect()
        send(client, "/hello", close=False)
        Answer(client)
        took = stop(site)
        client.close()
        return took < 3, f"{took:.1f} s"


@alone("stop: a connection that never asked")
def _(contender):
    with Site(contender, nginx=False) as site:
        site.ready()
        client = site.connect()
        time.sleep(0.3)
        took = stop(site)
        client.close()
        return took < 3, f"{took:.1f} s"


@alone("blocked event loop, timeout 4: worker replaced")
def _(contender):
    with Site(contender, nginx=False, TIMEOUT=4) as site:
        site.ready()
        first = site.workers()
        client = site.connect()
        send(client, "/block")
        began = time.monotonic()
        changed = until(lambda: (w := site.workers()) and w != first, 12)
        took = time.monotonic() - began
        client.close()
        return bool(changed) and site.ready(8), f"after {took:.0f} s"


@alone("idle for 10 s, timeout 4: worker lives")
def _(contender):
    with Site(contender, nginx=False, TIMEOUT=4) as site:
        site.ready()
        first = site.workers()
        time.sleep(10)
        return site.workers() == first, "same worker" if site.workers() == first else "replaced"


def load(site, connections, disturb, seconds):
    """Ask all the time through Nginx while something happens; no request may be lost."""
    seen, lock, end = Counter(), threading.Lock(), time.monotonic() + seconds

    def many():
        while time.monotonic() < end:
            try:
                answer = site.get("/pid", "nginx", timeout=15)
                key = answer.status if answer.whole else "cut"
            except OSError as error:
                key = type(error).__name__
            with lock:
                seen[key] += 1

    threads = [threading.Thread(target=many) for _ in range(connections)]
    for thread in threads:
        thread.start()
    disturb()
    for thread in threads:
        thread.join()
    workers = len({e["pid"] for e in site.events("hook") if e["event"] == "post_worker_init"})
    lost = sum(number for status, number in seen.items() if status != 200)
    return lost == 0 and workers > 2, f"{lost} of {sum(seen.values())} lost, {workers} workers"


@alone("max_requests 100 under load")
def _(contender):
    with Site(contender, MAX_REQUESTS=100, WORKERS=2) as site:
        site.ready()
        return load(site, 8, lambda: None, 5)


@alone("reload (HUP) twice under load")
def _(contender):
    def reload():
        for _ in range(2):
            time.sleep(1.5)
            site.gunicorn.send_signal(signal.SIGHUP)

    with Site(contender, WORKERS=2) as site:
        site.ready()
        return load(site, 8, reload, 6)


@alone("2 workers, 32 connections: shares")
def _(contender):
    with Site(contender, WORKERS=2) as site:
        site.ready()
        until(lambda: len({e["pid"] for e in site.events("lifespan")}) == 2, 5)
        time.sleep(0.5)
        seen, lock = Counter(), threading.Lock()

        def many():
            for _ in range(30):
                pid = site.get("/pid", "nginx").body
                with lock:
                    seen[pid] += 1

        threads = [threading.Thread(target=many) for _ in range(32)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        shares = sorted((100 * n // sum(seen.values()) for n in seen.values()), reverse=True)
        return len(shares) == 2 and shares[1] >= 20, shares


@alone("burst of 400 while the worker is busy")
def _(contender):
    """Through Nginx: a full listen queue of a Unix socket is an error at once (502)."""
    with Site(contender) as site:
        site.ready()
        blocker = site.connect()
        send(blocker, "/block")
        time.sleep(0.5)
        clients = []
        for _ in range(400):
            client = site.connect("nginx", 30)
            send(client, "/hello")
            clients.append(client)
        statuses = Counter()
        for client in clients:
            try:
                statuses[Answer(client).status] += 1
            except OSError as error:
                statuses[type(error).__name__] += 1
            client.close()
        blocker.close()
        return set(statuses) == {200}, dict(statuses)


@alone("Gunicorn's hooks that are called")
def _(contender):
    with Site(contender, nginx=False, REQUEST_HOOKS=1) as site:
        site.ready()
        site.get("/hello")
        stop(site)
        names = {e["event"] for e in site.events("hook")}
        wanted = [
            "pre_fork",
            "post_fork",
            "post_worker_init",
            "pre_request",
            "post_request",
            "worker_exit",
        ]
        missing = [n for n in wanted if n not in names]
        return None if missing else True, "missing: " + ", ".join(missing) if missing else "all"


def run(contender, only=""):
    """Return {(check, door): (good, seen)}."""
    results = {}

    def one(name, door, call):
        try:
            results[name, door] = call()
        except Exception as error:
            results[name, door] = (False, f"{type(error).__name__}: {error}"[:100])

    def on_one_site(checks):
        with Site(contender) as site:
            if checks and not site.ready():
                results["start", ""] = (False, site.text()[-300:])
                return
            for name, function, doors in checks:
                for door in doors:
                    one(name, door, lambda f=function, d=door: f(site, d))

    def each_alone():
        for name, function in ALONE:
            if only in name:
                one(name, "", lambda f=function: f(contender))

    wanted = [check for check in SHARED if only in check[0]]
    # What mostly waits runs beside the rest.
    works = [
        lambda: on_one_site([c for c in wanted if "75 s" not in c[0]]),
        lambda: on_one_site([c for c in wanted if "75 s" in c[0]]),
        each_alone,
    ]
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
