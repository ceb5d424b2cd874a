"""Requests that two servers in a row may read differently, and others that are no requests.

Each is sent to Nginx as it stands. Where the ideas come from:

- RFC 9112, sections 2.2, 3, 5, 6, 7, 9.3 and 11.2: https://www.rfc-editor.org/rfc/rfc9112
- PortSwigger, HTTP desync attacks (2019): https://portswigger.net/research/http-desync-attacks-request-smuggling-reborn
- PortSwigger, Browser-powered desync attacks (2022): https://portswigger.net/research/browser-powered-desync-attacks
- PortSwigger, HTTP/1.1 must die (2025): https://portswigger.net/research/http1-must-die
- PortSwigger, HTTP request smuggler, its permutations: https://github.com/PortSwigger/http-request-smuggler
- The HTTP garden: https://github.com/narfindustries/http-garden
- Kettle and others on chunk extensions, "funky chunks" (2025): https://w4ke.info/2025/06/18/funky-chunks.html
- Jabiyev and others, T-Reqs (2021): https://bahruz.me/papers/ccs2021treqs.pdf
"""

from __future__ import annotations

from dataclasses import dataclass

HIDDEN = b"GET /admin HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Hidden: yes\r\n\r\n"
"""What a body must never turn into."""


@dataclass(frozen=True)
class Malformed:
    """One of them.

    Attributes:
        name: what is odd.
        data: what is sent.
        bodies: of the requests that the app may be given, in their order; a server may refuse all
            from one of them on.
        hidden: how often the app may be asked for /admin: where the bytes are a request of their
            own by RFC 9112.
    """

    name: str
    data: bytes
    bodies: tuple[bytes, ...] = ()
    hidden: int = 0


def head(*headers: str | bytes, line: str = "POST /first HTTP/1.1", host: bool = True) -> bytes:
    lines = [line, *(["Host: 127.0.0.1"] if host else []), *headers]
    data = [one.encode("latin-1") if isinstance(one, str) else one for one in lines]
    return b"\r\n".join([*data, b"", b""])


def chunk(data: bytes, extension: bytes = b"", end: bytes = b"\r\n") -> bytes:
    return b"%x%s%s%s%s" % (len(data), extension, end, data, end)


LAST = b"0\r\n\r\n"
CHUNKED = "Transfer-Encoding: chunked"
GET = "GET /first HTTP/1.1"


def with_coding(*headers: str | bytes) -> bytes:
    """A body that is LAST and something behind it if chunks count, else a whole request's text."""
    body = LAST + HIDDEN
    return head(f"Content-Length: {len(body)}", *headers) + body


def coded(name: str, *headers: str | bytes) -> Malformed:
    """By the length, it is one body; if the odd coding counts, /admin is a second request."""
    return Malformed(name, with_coding(*headers), (LAST + HIDDEN,))


_LENGTHS = (
    Malformed("CL.CL, the same twice", head("Content-Length: 4", "Content-Length: 4") + b"body"),
    Malformed(
        "CL.CL, different",
        head("Content-Length: 0", f"Content-Length: {len(HIDDEN)}") + HIDDEN,
    ),
    Malformed("a list of lengths", head("Content-Length: 4, 4") + b"body"),
    Malformed("a list of different lengths", head("Content-Length: 0, 4") + b"body"),
    Malformed("a length with a plus", head("Content-Length: +4") + b"body"),
    Malformed("a length with a minus", head("Content-Length: -4") + b"body"),
    Malformed("a negative zero", head("Content-Length: -0") + HIDDEN),
    Malformed("a length with a blank inside", head("Content-Length: 4 4") + b"body"),
    Malformed("blanks around a length", head("Content-Length: \t 4 \t ") + b"body", (b"body",)),
    Malformed("leading zeros", head("Content-Length: 0004") + b"body", (b"body",)),
    Malformed("a length in hexadecimal", head("Content-Length: 0x4") + b"body"),
    Malformed("a length with an underscore", head("Content-Length: 1_0") + b"0123456789"),
    Malformed("a length with a point", head("Content-Length: 4.0") + b"body"),
    Malformed("a length with an exponent", head("Content-Length: 4e0") + b"body"),
    Malformed("an empty length", head("Content-Length:") + HIDDEN),
    Malformed("a length beyond 64 bits", head("Content-Length: 18446744073709551620") + b"body"),
    Malformed("a length that wraps 32 bits", head("Content-Length: 4294967300") + b"body"),
    Malformed("digits of another script", head("Content-Length: \xb2") + b"body"),
    Malformed("a length behind a NUL", head(b"Content-Length: 4\x00") + b"body"),
    Malformed("a blank before the colon of a length", head("Content-Length : 4") + HIDDEN),
    Malformed(
        "a length with an underscore in its name",
        head("Content_Length: 4") + HIDDEN,
        (b"", b""),
        hidden=1,
    ),
    Malformed("a folded length", head("Content-Length:\r\n 4") + b"body"),
    Malformed("GET with a body", head("Content-Length: 4", line=GET) + b"body", (b"body",)),
    Malformed(
        "GET with a request as its body",
        head(f"Content-Length: {len(HIDDEN)}", line=GET) + HIDDEN,
        (HIDDEN,),
    ),
    Malformed(
        "HEAD with a body",
        head(f"Content-Length: {len(HIDDEN)}", line="HEAD /first HTTP/1.1") + HIDDEN,
        (HIDDEN,),
    ),
    Malformed("a body shorter than its length", head("Content-Length: 10") + b"body"),
    Malformed(
        "a body longer than its length",
        head("Content-Length: 4") + b"body" + HIDDEN,
        (b"body", b""),
        hidden=1,
    ),
    Malformed("a POST without a length", head() + HIDDEN, (b"", b""), hidden=1),
)

_CODINGS = (
    Malformed("CL.TE", head(f"Content-Length: {len(LAST + HIDDEN)}", CHUNKED) + LAST + HIDDEN),
    Malformed("TE.CL", head(CHUNKED, "Content-Length: 4") + chunk(HIDDEN) + LAST),
    Malformed("TE.TE, the second unknown", head(CHUNKED, "Transfer-Encoding: x") + LAST + HIDDEN),
    Malformed("TE.TE, the first unknown", head("Transfer-Encoding: x", CHUNKED) + LAST + HIDDEN),
    Malformed("TE.TE, the same twice", head(CHUNKED, CHUNKED) + LAST + HIDDEN),
    Malformed("TE: chunked, identity", head("Transfer-Encoding: chunked, identity") + LAST),
    Malformed("TE: identity, chunked", head("Transfer-Encoding: identity, chunked") + LAST),
    Malformed("TE: gzip, chunked", head("Transfer-Encoding: gzip, chunked") + LAST),
    Malformed("TE: chunked, chunked", head("Transfer-Encoding: chunked, chunked") + LAST),
    Malformed("TE: identity", head("Transfer-Encoding: identity") + HIDDEN),
    Malformed("TE: gzip", head("Transfer-Encoding: gzip") + HIDDEN),
    Malformed("TE: nothing", head("Transfer-Encoding:") + HIDDEN),
    Malformed("TE: xchunked", head("Transfer-Encoding: xchunked") + LAST + HIDDEN),
    Malformed("TE: chunkedx", head("Transfer-Encoding: chunkedx") + LAST + HIDDEN),
    Malformed('TE: "chunked"', head('Transfer-Encoding: "chunked"') + LAST + HIDDEN),
    Malformed("TE: chunked;a=b", head("Transfer-Encoding: chunked;a=b") + LAST + HIDDEN),
    Malformed("TE: chunked,", head("Transfer-Encoding: chunked,") + LAST),
    Malformed(
        "TE in capitals", head("TRANSFER-ENCODING: CHUNKED") + chunk(b"body") + LAST, (b"body",)
    ),
    Malformed(
        "TE with blanks",
        head("Transfer-Encoding: \t chunked \t") + chunk(b"body") + LAST,
        (b"body",),
    ),
    coded("TE with a blank before the colon", "Transfer-Encoding : chunked"),
    coded("TE with a tab before the colon", "Transfer-Encoding\t: chunked"),
    coded("TE with a blank before the name", " Transfer-Encoding: chunked"),
    coded("TE folded", "Transfer-Encoding:\r\n chunked"),
    coded("TE folded with a tab", "Transfer-Encoding:\r\n\tchunked"),
    coded("TE in a folded header before", "X: a\r\n Transfer-Encoding: chunked"),
    coded("TE behind a bare carriage return", "X: a\rTransfer-Encoding: chunked"),
    coded("TE behind a bare line feed", "X: a\nTransfer-Encoding: chunked"),
    coded("TE behind a NUL", b"X: a\x00Transfer-Encoding: chunked"),
    coded("TE with a NUL before its value", b"Transfer-Encoding: \x00chunked"),
    coded("TE with a vertical tab", b"Transfer-Encoding:\x0bchunked"),
    coded("TE with a form feed", b"Transfer-Encoding: chunked\x0c"),
    coded("TE with a no-break space", b"Transfer-Encoding: \xa0chunked"),
    coded("TE with a control character in its name", b"Transfer-Encoding\x01: chunked"),
    coded("TE with an underscore", "Transfer_Encoding: chunked"),
    coded("TE with a point", "Transfer.Encoding: chunked"),
    coded("TE with a letter outside of ASCII", b"Transfer-\xc4ncoding: chunked"),
    coded("TE without a colon", "Transfer-Encoding chunked"),
    coded("TE in the first header line's value", "X: Transfer-Encoding: chunked"),
    Malformed("TE in HTTP/1.0", head(CHUNKED, line="POST /first HTTP/1.0") + LAST + HIDDEN),
    Malformed(
        "TE and CL in HTTP/1.0",
        head(CHUNKED, "Content-Length: 5", line="POST /first HTTP/1.0") + LAST,
    ),
)

_CHUNKS = (
    Malformed("chunks", head(CHUNKED) + chunk(b"bo") + chunk(b"dy") + LAST, (b"body",)),
    Malformed("chunks with a request inside", head(CHUNKED) + chunk(HIDDEN) + LAST, (HIDDEN,)),
    Malformed(
        "a request behind the chunks",
        head(CHUNKED) + chunk(b"body") + LAST + HIDDEN,
        (b"body", b""),
        hidden=1,
    ),
    Malformed("an extension", head(CHUNKED) + chunk(b"body", b";a=b") + LAST, (b"body",)),
    Malformed("a quoted extension", head(CHUNKED) + chunk(b"body", b';a="b;c"') + LAST, (b"body",)),
    Malformed(
        "an extension with a bare line feed",
        head(CHUNKED) + b"4;a\nXXXX\r\nbody\r\n" + LAST + HIDDEN,
    ),
    Malformed(
        "an extension with a bare carriage return",
        head(CHUNKED) + b"4;a\rXXXX\r\nbody\r\n" + LAST,
        (b"body",),
    ),
    Malformed(
        "an extension with a line end in quotes",
        head(CHUNKED) + b'4;a="\r\nbody\r\n0\r\n\r\n' + HIDDEN,
        (b"body", b""),
        hidden=1,
    ),
    Malformed(
        "a long extension", head(CHUNKED) + chunk(b"body", b";" + b"a" * 9000) + LAST, (b"body",)
    ),
    Malformed("a size with a plus", head(CHUNKED) + b"+4\r\nbody\r\n" + LAST),
    Malformed("a size with a minus", head(CHUNKED) + b"-4\r\nbody\r\n" + LAST),
    Malformed("a size with 0x", head(CHUNKED) + b"0x4\r\nbody\r\n" + LAST),
    Malformed("a size with an underscore", head(CHUNKED) + b"0_4\r\nbody\r\n" + LAST),
    Malformed("a size with zeros", head(CHUNKED) + b"0" * 20 + b"4\r\nbody\r\n" + LAST, (b"body",)),
    Malformed("a size behind a blank", head(CHUNKED) + b" 4\r\nbody\r\n" + LAST),
    Malformed("a size before a blank", head(CHUNKED) + b"4 \r\nbody\r\n" + LAST, (b"body",)),
    Malformed("an empty size", head(CHUNKED) + b"\r\nbody\r\n" + LAST),
    Malformed("a size that is no number", head(CHUNKED) + b"body\r\nbody\r\n" + LAST),
    Malformed("a size beyond 64 bits", head(CHUNKED) + b"10000000000000004\r\nbody\r\n" + LAST),
    Malformed("a size of 64 bits", head(CHUNKED) + b"ffffffffffffffff\r\nbody\r\n" + LAST),
    Malformed("a size of 63 bits", head(CHUNKED) + b"7fffffffffffffff\r\nbody\r\n" + LAST),
    Malformed("a size that is too small", head(CHUNKED) + b"3\r\nbody\r\n" + LAST),
    Malformed("a size that is too large", head(CHUNKED) + b"5\r\nbody\r\n" + LAST, (b"body\r",)),
    Malformed(
        "sizes ended by line feeds",
        head(CHUNKED) + chunk(b"body", end=b"\n") + b"0\n\n",
        (b"body",),
    ),
    Malformed("data without an end", head(CHUNKED) + b"4\r\nbody0\r\n\r\n" + HIDDEN),
    Malformed("data ended by other bytes", head(CHUNKED) + b"4\r\nbodyXX0\r\n\r\n" + HIDDEN),
    Malformed("no last chunk", head(CHUNKED) + chunk(b"body")),
    Malformed("two last chunks", head(CHUNKED) + LAST + LAST, (b"",)),
    Malformed(
        "many zeros at the end", head(CHUNKED) + b"000\r\n\r\n" + HIDDEN, (b"", b""), hidden=1
    ),
    Malformed(
        "trailers", head(CHUNKED) + chunk(b"body") + b"0\r\nX-Trailer: a\r\n\r\n", (b"body",)
    ),
    Malformed(
        "trailers of the framing",
        head(CHUNKED) + chunk(b"body") + b"0\r\nContent-Length: 50\r\n\r\n" + HIDDEN,
        (b"body", b""),
        hidden=1,
    ),
    Malformed("a request as a trailer", head(CHUNKED) + b"0\r\n" + HIDDEN, (b"",)),
    Malformed("a trailer that is no header", head(CHUNKED) + b"0\r\nnothing\r\n\r\n", (b"",)),
    Malformed(
        "a byte for each chunk",
        head(CHUNKED) + b"".join(chunk(b"x") for _ in range(5000)) + LAST,
        (b"x" * 5000,),
    ),
)

_LINES = (
    Malformed("HTTP/0.9", b"GET /first\r\n", (b"",)),
    Malformed("HTTP/0.9 with headers", b"GET /first\r\nHost: 127.0.0.1\r\n\r\n", (b"",)),
    Malformed("HTTP/0.9 and a second request", b"GET /first\r\n" + HIDDEN, (b"",)),
    Malformed("HTTP/1.0 without a Host", b"GET /first HTTP/1.0\r\n\r\n", (b"",)),
    Malformed("HTTP/1.1 without a Host", b"GET /first HTTP/1.1\r\n\r\n"),
    Malformed("HTTP/1.2", head(line="GET /first HTTP/1.2"), (b"",)),
    Malformed("HTTP/1.10", head(line="GET /first HTTP/1.10"), (b"",)),
    Malformed("HTTP/2.0 in a line", head(line="GET /first HTTP/2.0")),
    Malformed("HTTP/2's preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0" + HIDDEN),
    Malformed(
        "an upgrade to h2c",
        head(
            "Upgrade: h2c",
            "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
            "Connection: Upgrade, HTTP2-Settings",
            line=GET,
        )
        + HIDDEN,
        (b"", b""),
        hidden=1,
    ),
    Malformed(
        "an upgrade to a WebSocket and a request behind it",
        head("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 777", line=GET)
        + HIDDEN,
        (b"", b""),
        hidden=1,
    ),
    Malformed("small letters in HTTP", head(line="GET /first http/1.1")),
    Malformed("no version", head(line="GET /first "), (b"",)),
    Malformed("two blanks in the line", head(line="GET  /first  HTTP/1.1"), (b"",)),
    Malformed("a tab in the line", head(line="GET\t/first\tHTTP/1.1")),
    Malformed("a blank in the target", head(line="GET /first second HTTP/1.1")),
    Malformed("a request in the target", head(line="GET /first HTTP/1.1 /admin HTTP/1.1")),
    Malformed("a line feed in the target", head(line="GET /first\nX: HTTP/1.1"), (b"",)),
    Malformed("a carriage return in the target", head(line="GET /first\rX HTTP/1.1")),
    Malformed("a NUL in the target", head(line="GET /first\0X HTTP/1.1")),
    Malformed("a byte beyond ASCII in the target", head(line="GET /first\xff HTTP/1.1"), (b"",)),
    Malformed("a fragment in the target", head(line="GET /first#part HTTP/1.1"), (b"",)),
    Malformed("a backslash in the target", head(line="GET \\first HTTP/1.1")),
    Malformed("a line end in percents", head(line="GET /first%0d%0aX:%20a HTTP/1.1"), (b"",)),
    Malformed("absolute-form", head(line="GET http://127.0.0.1/first HTTP/1.1"), (b"",)),
    Malformed(
        "absolute-form with another host",
        head(line="GET http://other.example/first HTTP/1.1"),
        (b"",),
    ),
    Malformed("absolute-form with a user", head(line="GET http://a:b@127.0.0.1/first HTTP/1.1")),
    Malformed("absolute-form without a path", head(line="GET http://127.0.0.1 HTTP/1.1"), (b"",)),
    Malformed("authority-form", head(line="GET 127.0.0.1:80 HTTP/1.1")),
    Malformed("asterisk-form", head(line="OPTIONS * HTTP/1.1")),
    Malformed("an asterisk with GET", head(line="GET * HTTP/1.1")),
    Malformed("CONNECT", head(line="CONNECT 127.0.0.1:80 HTTP/1.1") + HIDDEN),
    Malformed("CONNECT to a path", head(line="CONNECT /first HTTP/1.1") + HIDDEN),
    Malformed("TRACE", head(line="TRACE /first HTTP/1.1")),
    Malformed("a method in small letters", head(line="get /first HTTP/1.1")),
    Malformed("a method with a colon", head(line="GET: /first HTTP/1.1")),
    Malformed("a method with a dash", head(line="M-SEARCH /first HTTP/1.1"), (b"",)),
    Malformed("a method with an underscore", head(line="BASELINE_CONTROL /first HTTP/1.1"), (b"",)),
    Malformed("an unknown method", head(line="WONDERS /first HTTP/1.1"), (b"",)),
    Malformed("a long method", head(line="A" * 300 + " /first HTTP/1.1"), (b"",)),
    Malformed("empty lines first", b"\r\n\r\n" + head(line=GET), (b"",)),
    Malformed("a blank first", b" " + head(line=GET)),
    Malformed("lines ended by line feeds", head(line=GET).replace(b"\r\n", b"\n"), (b"",)),
    Malformed("a line ended by two carriage returns", head("X: a\r", line=GET), (b"",)),
    Malformed("a line of 9000 bytes", head(line=f"GET /{'a' * 9000} HTTP/1.1")),
    Malformed("bytes of TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200)),
    Malformed("NULs alone", bytes(5000)),
    Malformed("an SSH client", b"SSH-2.0-OpenSSH_9.2\r\n"),
    Malformed("the PROXY protocol", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + head(line=GET)),
)

_HEADERS = (
    Malformed("two Hosts", head("Host: other.example", line=GET)),
    Malformed("an empty Host", head("Host:", line=GET, host=False), (b"",)),
    Malformed("a Host with a path", head("Host: 127.0.0.1/admin", line=GET, host=False)),
    Malformed("a Host with a blank", head("Host: 127.0.0.1 other", line=GET, host=False)),
    Malformed("a Host with a user", head("Host: a@127.0.0.1", line=GET, host=False), (b"",)),
    Malformed("a Host in a folded line", head("X: a\r\n Host: other", line=GET)),
    Malformed("a folded header", head("X: a\r\n b", line=GET)),
    Malformed("a folded first line", head(line="GET /first HTTP/1.1\r\n X: a")),
    Malformed("a header without a colon", head("X", line=GET), (b"",)),
    Malformed("a header without a name", head(": a", line=GET)),
    Malformed("a blank in a name", head("X Y: a", line=GET)),
    Malformed("a colon and blanks alone", head("X:    ", line=GET), (b"",)),
    Malformed("a NUL in a value", head(b"X: a\x00b", line=GET)),
    Malformed("a control character in a value", head(b"X: a\x01b", line=GET), (b"",)),
    Malformed("a bare carriage return in a value", head(b"X: a\rb", line=GET)),
    Malformed("letters beyond ASCII in a value", head(b"X: caf\xc3\xa9", line=GET), (b"",)),
    Malformed("letters beyond ASCII in a name", head(b"X-\xc3\xa9: a", line=GET), (b"",)),
    Malformed("many headers", head(*(f"X-{n}: a" for n in range(2000)), line=GET)),
    Malformed("a header of 9000 bytes", head("X: " + "a" * 9000, line=GET)),
    Malformed(
        "headers of 30 KB", head(*(f"X-{n}: " + "a" * 7000 for n in range(4)), line=GET), (b"",)
    ),
    Malformed("headers of 60 KB", head(*(f"X-{n}: " + "a" * 7000 for n in range(8)), line=GET)),
    Malformed(
        "an expectation", head("Content-Length: 4", "Expect: 100-continue") + b"body", (b"body",)
    ),
    Malformed(
        "an unknown expectation", head("Content-Length: 4", "Expect: wonders") + b"body", (b"body",)
    ),
    Malformed(
        "an expectation and a request", head("Expect: 100-continue") + HIDDEN, (b"", b""), hidden=1
    ),
    Malformed(
        "Connection names the length",
        head("Content-Length: 4", "Connection: close, Content-Length") + b"body",
        (b"body",),
    ),
    Malformed("Connection names the Host", head("Connection: close, Host", line=GET), (b"",)),
    Malformed(
        "forged forwarding",
        head(
            "X-Forwarded-For: 192.0.2.1",
            "X-Forwarded-Proto: https",
            "X-Real-IP: 192.0.2.1",
            "SCRIPT_NAME: /admin",
            "X-Request-ID: forged",
            line=GET,
        ),
        (b"",),
    ),
    Malformed(
        "another method by a header", head("X-HTTP-Method-Override: DELETE", line=GET), (b"",)
    ),
    Malformed("another path by a header", head("X-Original-URL: /admin", line=GET), (b"",)),
)

_PIPELINES = (
    Malformed("two requests", head(line=GET) + HIDDEN, (b"", b""), hidden=1),
    Malformed("ten requests", HIDDEN * 10, (b"",) * 10, hidden=10),
    Malformed("one behind a close", head("Connection: close", line=GET) + HIDDEN, (b"",)),
    Malformed("one behind HTTP/1.0", head(line="GET /first HTTP/1.0") + HIDDEN, (b"",)),
    Malformed("one behind a bad one", head("X Y: a", line=GET) + HIDDEN),
    Malformed("garbage behind one", head(line=GET) + b"\x00\xff" * 50, (b"",)),
    Malformed("an end of a body behind one", head(line=GET) + b"body" + HIDDEN, (b"", b"")),
    Malformed("half a request", HIDDEN[:-4]),
    Malformed("half a line", b"GET /fir"),
    Malformed("nothing", b""),
)

MALFORMED = _LENGTHS + _CODINGS + _CHUNKS + _LINES + _HEADERS + _PIPELINES
