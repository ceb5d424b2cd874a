"""The table of hazards: what may happen to a request, and what becomes of it on each worker.

The tests of this folder read it, so each cell is proved: a test makes the situation of a row on one
kind of worker and compares what it has seen with `outcome`. Where Outrider's worker differs from
Gunicorn's sync worker, that is on purpose, and `why` says it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.worker.rig import Kind


@dataclass(frozen=True, kw_only=True)
class Hazard:
    """One row.

    Attributes:
        situation: what happens.
        sync: what becomes of it on Gunicorn's sync worker.
        gthread: on its threaded one; None: the same.
        ours: on Outrider's; None: as on sync.
        threaded: on Outrider's with threads; None: as without.
        why: the reason of a difference between Outrider's and sync.
    """

    situation: str
    sync: str
    gthread: str | None = None
    ours: str | None = None
    threaded: str | None = None
    why: str = ""

    def outcome(self, kind: Kind) -> str:
        """Return what becomes of it on one kind of worker."""
        if kind.is_ours:
            ours = self.ours or self.sync
            return (self.threaded or ours) if kind.threads > 1 else ours
        return (self.gthread or self.sync) if kind.threads > 1 else self.sync

    @property
    def differs(self) -> bool:
        """Outrider's worker does another thing than Gunicorn's of the same kind."""
        return bool(self.why)


CUT = "cut; the client sees it"
ERROR = "500, logged"

HAZARDS = {
    # -- what an app answers -----------------------------------------------------------------------
    "error_at_once": Hazard(situation="the app raises when it is called", sync=ERROR),
    "error_before_the_first_block": Hazard(
        situation="the app raises before its first block", sync=ERROR
    ),
    "error_after_the_first_block": Hazard(
        situation="the app raises after its first block", sync=CUT
    ),
    "error_after_a_block_of_a_promised_length": Hazard(
        situation="the app raises after a block, and has promised a length", sync=CUT
    ),
    "error_in_close": Hazard(
        situation="the body's `close()` raises after the last block", sync="200, whole, logged"
    ),
    "start_again": Hazard(
        situation="`start_response` is called twice without `exc_info`", sync=ERROR
    ),
    "start_again_with_the_reason": Hazard(
        situation="`start_response` again with `exc_info` before the first block",
        sync="500, the second one's",
    ),
    "start_again_too_late": Hazard(
        situation="`start_response` again with `exc_info` after the first block",
        sync=CUT,
    ),
    "no_start": Hazard(
        situation="the app never calls `start_response`",
        sync="garbage with status 200",
        ours=ERROR,
        why="Gunicorn sends the status line `HTTP/1.1 None`, of which Nginx makes a page.",
    ),
    "late_start": Hazard(
        situation="a generator calls `start_response` when it is first asked for a block",
        sync="200, whole",
    ),
    "too_short": Hazard(situation="the body is shorter than its `Content-Length`", sync=CUT),
    "too_long": Hazard(
        situation="the body is longer than its `Content-Length`", sync="200, cut to the length"
    ),
    "head": Hazard(
        situation="HEAD, and the app sends a body all the same", sync="200, the length, no body"
    ),
    "no_content": Hazard(situation="204 with a body and a length", sync="204, no body, no length"),
    "not_modified": Hazard(situation="304 with a body", sync="304, no body"),
    "empty_blocks": Hazard(
        situation="empty blocks before, between and after others", sync="200, whole"
    ),
    "no_length": Hazard(
        situation="a body of several blocks without a length", sync="200, chunked, whole"
    ),
    "old_client": Hazard(
        situation="HTTP/1.0, and a body without a length", sync="200, ended by closing"
    ),
    "write": Hazard(situation="`write()` before an iterable", sync="200, whole"),
    "not_bytes": Hazard(
        situation="the body is text instead of bytes",
        sync=CUT,
        ours=ERROR,
        why="Nothing has been sent when the first block is looked at, so that the error can be.",
    ),
    "early_hints": Hazard(situation="`wsgi.early_hints`", sync="103, then 200"),
    "own_headers": Hazard(
        situation="the headers `Date` and `Server`",
        sync="sent",
        ours="left to Nginx",
        why="Nginx writes its own, and passes none on.",
    ),
    "hop_by_hop": Hazard(
        situation="the app sends headers of the connection", sync="200, not passed on"
    ),
    "crlf_in_status": Hazard(situation="a line end in the status", sync=ERROR),
    "crlf_in_value": Hazard(situation="a line end in a header's value", sync=ERROR),
    "crlf_in_name": Hazard(situation="a line end in a header's name", sync=ERROR),
    "nul_in_value": Hazard(situation="a NUL in a header's value", sync=ERROR),
    "status_is_no_number": Hazard(situation="a status without a number", sync=ERROR),
    "value_is_no_text": Hazard(situation="a header's value is a number", sync=ERROR),
    "value_beyond_latin_1": Hazard(
        situation="a header's value has letters that are not in Latin-1", sync=ERROR
    ),
    "client_leaves": Hazard(
        situation="the client leaves in the middle of an answer",
        sync="`close()` once, serves on",
    ),
    "close_once": Hazard(
        situation="`close()` of the body, whatever has become of it", sync="once for each request"
    ),
    # -- files -------------------------------------------------------------------------------------
    "file": Hazard(situation="`wsgi.file_wrapper` without a length", sync="200, whole"),
    "file_with_length": Hazard(situation="`wsgi.file_wrapper` with a length", sync="200, whole"),
    "file_at_an_offset": Hazard(
        situation="`wsgi.file_wrapper` at an offset", sync="200, from there"
    ),
    "file_with_a_part": Hazard(
        situation="`wsgi.file_wrapper` with a length before the file's end", sync="200, that part"
    ),
    "file_too_short": Hazard(
        situation="`wsgi.file_wrapper` with a length beyond the file's end", sync=CUT
    ),
    "file_in_memory": Hazard(
        situation="`wsgi.file_wrapper` around what has no descriptor", sync="200, whole"
    ),
    "file_of_nothing": Hazard(
        situation="`wsgi.file_wrapper` of an empty file without a length",
        sync="200, whole, with two ends",
        ours="200, whole",
        why="Gunicorn writes the last chunk of the body twice; Nginx does not mind.",
    ),
    "file_and_head": Hazard(situation="`wsgi.file_wrapper`, asked by HEAD", sync="200, no body"),
    # -- what a client asks ------------------------------------------------------------------------
    "large_head": Hazard(
        situation="more than 64 KB of headers within the limits, in one piece", sync="200"
    ),
    "split_head": Hazard(situation="a head that arrives byte by byte", sync="200"),
    "repeated_header": Hazard(situation="a header twice", sync="joined by a comma"),
    "underscore": Hazard(situation="a header with an underscore in its name", sync="dropped"),
    "not_ascii": Hazard(situation="a header beyond ASCII", sync="as Latin-1"),
    "odd_paths": Hazard(situation="`%00`, `//`, `..`, `%2F` in the path", sync="as they were sent"),
    "chunked": Hazard(situation="a chunked upload through Nginx", sync="whole, with a length"),
    "chunked_direct": Hazard(situation="a chunked upload without Nginx", sync="whole"),
    "expect": Hazard(situation="`Expect: 100-continue` without Nginx", sync="100, then 200"),
    "unknown_expectation": Hazard(situation="any other `Expect`", sync="417"),
    "connection": Hazard(
        situation="`gunicorn.socket` in the environment",
        sync="there",
        ours="there where a request asks for an Upgrade",
        why="Whoever writes to it besides the worker breaks the answer.",
    ),
    "upgrade": Hazard(
        situation="a WebSocket at an app that has none", sync="200, an ordinary request"
    ),
    "reading": Hazard(situation="`wsgi.input` by all its methods", sync="as PEP 3333 says"),
    "reading_lines_by_a_hint": Hazard(
        situation="`wsgi.input.readlines(hint)`",
        sync="all",
        ours="as many as it asks for",
        why="PEP 3333 leaves it open; Python's own files do it so.",
    ),
    "upload_ignored": Hazard(
        situation="50 MB that the app does not read: it answers 413",
        sync="413, whole or 502, by chance",
        ours="413, whole",
        why="Gunicorn stops reading after 64 KB, when Nginx may not have seen the answer.",
    ),
    "large_upload": Hazard(situation="60 MB up", sync="whole, memory constant"),
    "large_download": Hazard(situation="60 MB down", sync="whole, memory constant"),
    "short_upload": Hazard(
        situation="a body that ends before its length (without Nginx)",
        sync="the app reads what came",
    ),
    "line_limit": Hazard(situation="a request line over `limit_request_line`", sync="414"),
    "fields_limit": Hazard(situation="more headers than `limit_request_fields`", sync="431"),
    "field_limit": Hazard(situation="a header over `limit_request_field_size`", sync="431"),
    # -- what happens to the worker ----------------------------------------------------------------
    "reload": Hazard(situation="POST under 5 reloads", sync="no failure"),
    "max_requests": Hazard(situation="POST under `max_requests = 20`", sync="no failure"),
    "killed_worker": Hazard(
        situation="POST when a worker is killed",
        sync="at most what it was serving",
    ),
    "term_while_serving": Hazard(
        situation="SIGTERM while a request runs", sync="the request ends, then the worker"
    ),
    "term_while_idle": Hazard(situation="SIGTERM while nothing runs", sync="ends at once"),
    "quit_while_serving": Hazard(
        situation="SIGQUIT to a worker while a request runs",
        sync="the request is cut",
        gthread="the request ends, then the worker",
    ),
    "harmless_signals": Hazard(
        situation="SIGUSR1 and SIGWINCH while a request runs", sync="nothing"
    ),
    "hand_over": Hazard(
        situation="quick and slow requests, and reloads in between",
        sync="each answered once",
    ),
    "backlog_full": Hazard(
        situation="more connections than the backlog takes",
        sync="502 for these, recovers",
        gthread="they wait in the worker, most of them",
    ),
    "parent_killed": Hazard(situation="the master is killed", sync="the workers end"),
    "hang_in_python": Hazard(
        situation="a request hangs in Python",
        sync="500 after `timeout`, logged with its stack",
        gthread="504 from Nginx, nothing logged",
    ),
    "hang_in_a_lock": Hazard(
        situation="a request hangs in a lock",
        sync="500 after `timeout`, logged with its stack",
        gthread="504 from Nginx, nothing logged",
        threaded="502 after `timeout`, logged with its stack",
        why="Python ends another thread only where that runs Python; its connection is closed.",
    ),
    "hang_in_c": Hazard(
        situation="a request hangs in C and keeps the interpreter's lock",
        sync="502, the worker is replaced",
        ours="502 after `timeout`, logged with its stack, the worker is replaced",
        why="The stack is written without the interpreter, which cannot do anything any more.",
    ),
    "hang_in_c_without_the_lock": Hazard(
        situation="a request hangs in C without that lock, as in drivers of databases",
        sync="502, the worker is replaced",
        gthread="504 from Nginx, nothing logged",
        ours="502 after `timeout`, logged with its stack, the worker is replaced",
        threaded="502 after `timeout`, logged with its stack",
        why="The stack is written all the same; of several threads this one is replaced.",
    ),
    "hang_after_the_first_block": Hazard(
        situation="a request hangs after its first block",
        sync="cut after `timeout`, logged with its stack",
        gthread="cut from Nginx, nothing logged",
    ),
    "neighbours_of_a_hang": Hazard(
        situation="other requests of a process in which one hangs",
        sync="there are none",
        gthread="served",
        threaded="served",
    ),
}

HAZARDS |= {
    # -- what an operator has set ------------------------------------------------------------------
    "hooks_of_a_request": Hazard(
        situation="the hooks `pre_request` and `post_request`", sync="called once, with the same"
    ),
    "hook_that_raises": Hazard(
        situation="`pre_request` raises", sync="500, logged; `post_request` is called"
    ),
    "hooks_of_a_worker": Hazard(
        situation="the hooks `worker_int`, `worker_exit` and `child_exit`",
        sync="called once",
    ),
    "hook_of_a_timeout": Hazard(
        situation="the hook `worker_abort` when a request takes too long",
        sync="called",
        gthread="not called",
        threaded="not called",
    ),
    "access_log": Hazard(
        situation="Gunicorn's access log with all its atoms", sync="the same lines"
    ),
}

COLUMNS = ("Situation", "sync", "gthread", "Outrider's", "with threads")


def table() -> str:
    """Return the whole table as Markdown."""
    return "\n".join(_rows())


def _rows() -> Iterator[str]:
    yield "| " + " | ".join(COLUMNS) + " |"
    yield "|---" * len(COLUMNS) + "|"
    for hazard in HAZARDS.values():
        ours = hazard.ours or hazard.sync
        cells = (hazard.situation, hazard.sync, hazard.gthread or hazard.sync, ours)
        yield "| " + " | ".join((*cells, hazard.threaded or ours)) + " |"


def differences() -> str:
    """Return the rows in which Outrider's worker is not as sync, with the reasons, as Markdown."""
    rows = ["| Situation | sync | Outrider's | Reason |", "|---|---|---|---|"]
    for hazard in HAZARDS.values():
        if hazard.differs:
            ours = hazard.ours or hazard.sync
            if hazard.threaded and hazard.threaded != ours:
                ours += f" (with threads: {hazard.threaded})"
            rows.append(f"| {hazard.situation} | {hazard.sync} | {ours} | {hazard.why} |")
    return "\n".join(rows)
