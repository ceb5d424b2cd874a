"""An app that does what a request tells it to, right or wrong, and writes down what it saw.

What it writes stands in the folder HAZARDS_STATE, one line for each event, so that it outlives the
process.
"""

import ctypes
import hashlib
import io
import json
import os
import threading
import time
from urllib.parse import parse_qs, unquote_to_bytes

STATE = os.environ["HAZARDS_STATE"]


def note(*words):
    """Add a line to the notes; one write to a file that is appended to is never torn."""
    line = " ".join(map(str, words)) + "\n"
    fd = os.open(os.path.join(STATE, "notes"), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, line.encode())
    os.close(fd)


def wait_for(name):
    while not os.path.exists(os.path.join(STATE, name)):
        time.sleep(0.005)


class Body:
    """Blocks of bytes, of which one may be an error; notes each call of `close`."""

    def __init__(self, ask):
        self.ask = ask
        self.blocks = iter(ask.get("blocks", []))

    def __iter__(self):
        return self

    def __next__(self):
        block = next(self.blocks)
        if block == "raise":
            raise RuntimeError("raised in the body")
        if isinstance(block, dict):
            if "wait" in block:
                note("waits", self.ask["id"])
                wait_for(block["wait"])
                return b"."
            return block["byte"].encode() * block["times"]
        return block.encode("latin-1")

    def close(self):
        note("closed", self.ask["id"])
        if self.ask.get("close") == "raise":
            raise RuntimeError("raised in close")


def answer(environ, start_response):
    """Answer as the JSON in the query string says."""
    ask = json.loads(unquote_to_bytes(environ["QUERY_STRING"]))
    if ask.get("raise") == "at once":
        raise RuntimeError("raised at once")
    if ask.get("hints"):
        environ["wsgi.early_hints"]([tuple(pair) for pair in ask["hints"]])
    headers = [tuple(pair) for pair in ask.get("headers", [["Content-Type", "text/plain"]])]
    write = start_response(ask.get("status", "200 OK"), headers)
    for data in ask.get("write", []):
        write(data.encode())
    if ask.get("again"):  # a second start of the response, with or without the reason
        try:
            raise RuntimeError("the reason")
        except RuntimeError:
            import sys

            reason = sys.exc_info() if ask["again"] == "with the reason" else None
            start_response("500 Oops", [("Content-Type", "text/plain")], reason)
    return Body(ask)


def no_start(environ, start_response):
    return [b"no start_response"]


def late_start(environ, start_response):
    """A generator, which starts its response when it is asked for a block."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"late"


def text(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["text"]


def file(environ, start_response):
    """Hand a file out: `name`, from `at`, wrapped as the server likes it."""
    query = parse_qs(environ["QUERY_STRING"])
    held = open(os.path.join(STATE, query["name"][0]), "rb")
    if "memory" in query:
        held = io.BytesIO(held.read())
    held.seek(int(query.get("at", ["0"])[0]))
    headers = [("Content-Type", "application/octet-stream")]
    if "length" in query:
        headers.append(("Content-Length", query["length"][0]))
    start_response("200 OK", headers)
    return environ["wsgi.file_wrapper"](held, 65536)


def as_json(value):
    return value if isinstance(value, (str, int, bool, list, tuple)) else type(value).__name__


def environment(environ, start_response):
    body = environ["wsgi.input"].read()
    told = {key: as_json(value) for key, value in environ.items()}
    told["body"] = body.decode("latin-1")
    data = json.dumps(told).encode()
    saw = [environ.get("HTTP_X_REQUEST_ID"), environ["REQUEST_METHOD"], environ["RAW_URI"]]
    note("saw", json.dumps([*saw, told["body"]]))
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
    return [data]


def digest(environ, start_response):
    """Read the body in pieces."""
    stream, found, size = environ["wsgi.input"], hashlib.blake2b(digest_size=8), 0
    while True:
        piece = stream.read(65536)
        if not piece:
            break
        found.update(piece)
        size += len(piece)
    data = f"{size} {found.hexdigest()}".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(data)))])
    return [data]


def lines(environ, start_response):
    """Read the body in each way that PEP 3333 names."""
    stream = environ["wsgi.input"]
    if environ["QUERY_STRING"] == "hint":
        told = stream.readlines(5)
    else:
        told = [stream.readline(), stream.readline(3), stream.read(2), next(iter(stream))]
        told += [stream.read(0), stream.read(), stream.read(10), stream.readline()]
        told += [stream.readlines(), list(stream)]
    data = repr(told).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(data)))])
    return [data]


def refuse(environ, start_response):
    """Answer before the body is read."""
    start_response("413 Content Too Large", [("Content-Type", "text/plain"), ("Content-Length", "9")])
    return [b"too large"]


def pour(environ, start_response):
    """Answer with many megabytes, block by block."""
    count = int(environ["QUERY_STRING"])
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    block = bytes(range(256)) * 256
    return (block for _ in range(count * 16))


def wait(environ, start_response):
    """Answer once a file is there; `ID/NAME` is in the query string."""
    number, _, name = environ["QUERY_STRING"].partition("/")
    note("waits", number, os.getpid())
    try:
        wait_for(name)
    except BaseException as error:
        note("ended", number, type(error).__name__)
        raise
    note("waited", number)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"waited"]


def serve(environ, start_response):
    """Note the number of the request, read its body, be as slow as it says."""
    query = parse_qs(environ["QUERY_STRING"])
    number = query["id"][0]
    body = environ["wsgi.input"].read()
    note("served", number, os.getpid())
    time.sleep(float(query.get("seconds", ["0"])[0]))
    data = f"{number} {len(body)}".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(data)))])
    return [data]


def hang(environ, start_response):
    """Never answer: in Python, in a lock, or in C with or without the interpreter's lock."""
    how, _, number = environ["QUERY_STRING"].partition("/")
    note("hangs", number, os.getpid())
    try:
        if how == "python":
            sit_in_a_loop()
        elif how == "lock":
            lock = threading.Lock()
            lock.acquire()
            sit_in_a_lock(lock)
        elif how == "started":
            start_response("200 OK", [("Content-Type", "text/plain")])(b"begun")
            sit_in_a_loop()
        elif how == "c":
            sit_in_c(ctypes.PyDLL(None))  # keeps the interpreter's lock
        else:
            sit_in_c(ctypes.CDLL(None))  # gives it up, as drivers of databases do
    finally:
        note("unwound", number)


def sit_in_a_loop():
    while True:
        time.sleep(0.01)


def sit_in_a_lock(lock):
    lock.acquire()


def sit_in_c(library):
    """Lock a mutex twice, which no signal interrupts."""
    mutex = ctypes.create_string_buffer(64)
    library.pthread_mutex_lock(mutex)
    library.pthread_mutex_lock(mutex)


def pid(environ, start_response):
    data = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(data)))])
    return [data]


PAGES = {
    "/answer": answer,
    "/digest": digest,
    "/environ": environment,
    "/file": file,
    "/hang": hang,
    "/late-start": late_start,
    "/lines": lines,
    "/no-start": no_start,
    "/pid": pid,
    "/pour": pour,
    "/refuse": refuse,
    "/serve": serve,
    "/text": text,
    "/wait": wait,
}


def app(environ, start_response):
    page = PAGES.get(environ["PATH_INFO"], environment)
    return page(environ, start_response)


note("loaded", os.getpid())
