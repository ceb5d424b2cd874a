"""The WSGI app that Gunicorn calls: it corrects the request, and hands files to Nginx.

https://peps.python.org/pep-3333/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Sequence

from . import frameworks, offload, seen
from .lines import REQUEST_ID

if TYPE_CHECKING:
    from .scoreboard import Scoreboard

Headers = Sequence["tuple[str, str]"]


class WsgiFront:
    """A WSGI app that puts the client's view of the request into the environment.

    Args:
        app: the WSGI app.
        prefix: where the app is mounted, without a closing slash; empty for the root.
        roots: the folders whose files Nginx may send in the app's place, each with its internal
            URL.
        board: where what is done stands. Whoever calls this app says when a request is over.
    """

    def __init__(
        self,
        app: Callable[..., Iterable[bytes]],
        prefix: str = "",
        roots: Iterable[tuple[str, str]] = (),
        board: Scoreboard | None = None,
    ) -> None:
        frameworks.prepare(app, prefix)
        self.app = app
        self.prefix = prefix
        self.board = board
        self.roots = offload.existing(roots)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Correct the environment, pass the request on, and look at what comes back."""
        REQUEST_ID.set(environ.get("HTTP_X_REQUEST_ID", ""))
        if self.board is not None:
            self.board.enter(environ)
        if not environ.get("REMOTE_ADDR"):
            # The peer of a Unix socket has no address: https://gunicorn.org/deploy/
            environ["REMOTE_ADDR"] = environ.get("HTTP_X_REAL_IP", "")
            port = environ.get("HTTP_X_REAL_PORT")
            if port:
                environ["REMOTE_PORT"] = port
        _correct_host(environ)
        self._mount(environ)
        # One that shows which file it holds. Gunicorn sends it with sendfile all the same.
        environ["wsgi.file_wrapper"] = FileWrapper
        # Gunicorn's 103 Early Hints: newer versions of Nginx drop them, older ones take them for
        # the answer, and obey an X-Accel-Redirect in them.
        environ.pop("wsgi.early_hints", None)
        answer = _Answer(start_response)
        body = self.app(environ, answer)
        if isinstance(body, FileWrapper) and not offload.is_read_as_stored(body.filelike):
            body = _Read(body)
        return self._hand_over(environ, answer, body)

    def _mount(self, environ: dict[str, Any]) -> None:
        """Move the prefix from PATH_INFO to SCRIPT_NAME.

        https://peps.python.org/pep-3333/#environ-variables
        """
        outer = seen.outer_prefix(environ.get("HTTP_X_FORWARDED_PREFIX", ""))
        # Nginx chooses as if there was one slash at the start, and passes on what was sent.
        path = "/" + environ.get("PATH_INFO", "").lstrip("/")
        if self.prefix and (path == self.prefix or path.startswith(self.prefix + "/")):
            environ["PATH_INFO"] = path[len(self.prefix) :]
        if outer or self.prefix:
            # The header too, for an app that has Werkzeug's ProxyFix around it.
            environ["SCRIPT_NAME"] = environ["HTTP_X_FORWARDED_PREFIX"] = outer + self.prefix

    def _hand_over(
        self, environ: dict[str, Any], answer: _Answer, body: Iterable[bytes]
    ) -> Iterable[bytes]:
        """Let Nginx send the body if it is a file that it may read."""
        if not answer.is_held:
            answer.is_released = True  # a generator starts its response when it is asked for more
            return body
        file = _file_of(environ, answer, body) if self.roots else None
        place = offload.place_of(file, self.roots) if file is not None else None
        if place is None:
            answer.release()
            return body
        answer.headers = offload.without_length(answer.headers)
        answer.headers.append((offload.REDIRECT, place))
        answer.release()
        # The file stays open until the server closes this, as the app would have it.
        return _Nothing(body)


class _Answer:
    """The `start_response` that the app calls: holds status and headers until the body is known."""

    def __init__(self, start_response: Callable[..., Any]) -> None:
        self._start_response = start_response
        self._arguments: tuple[Any, ...] = ()
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self.is_released = False

    @property
    def is_held(self) -> bool:
        """The app has started its response, and the server has not heard of it."""
        return bool(self.status) and not self.is_released

    def __call__(self, status: str, headers: Headers, *exc_info: Any) -> Callable[[bytes], object]:
        if self.is_released:  # an error after the body has begun: the server raises it again
            return self._start_response(status, offload.cleaned(headers), *exc_info)  # type: ignore[no-any-return]
        self.status = status
        self.headers = offload.cleaned(headers)
        self._arguments = exc_info
        return self._write

    def release(self) -> Any:
        """Tell the server."""
        self.is_released = True
        return self._start_response(self.status, self.headers, *self._arguments)

    def _write(self, data: bytes) -> object:
        if not self.is_released:
            self._write_on = self.release()
        return self._write_on(data)


class FileWrapper:
    """What an app wraps a file with, that the server may send in its own way.

    https://peps.python.org/pep-3333/#optional-platform-specific-file-handling
    """

    def __init__(self, filelike: Any, blksize: int = 65536) -> None:
        self.filelike = filelike
        self.blksize = blksize
        if hasattr(filelike, "close"):
            self.close = filelike.close

    def __iter__(self) -> FileWrapper:
        return self

    def __next__(self) -> bytes:
        data: bytes = self.filelike.read(self.blksize)
        if not data:
            raise StopIteration
        return data


class _Read:
    """A body that is what its file reads: Gunicorn would send what lies beneath a GzipFile."""

    def __init__(self, body: FileWrapper) -> None:
        self._body = body
        if hasattr(body, "close"):
            self.close = body.close

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)


class _Nothing:
    """An empty body that closes the one that it stands for."""

    def __init__(self, body: Any) -> None:
        if hasattr(body, "close"):
            self.close = body.close

    def __iter__(self) -> Iterator[bytes]:
        return iter(())


def _file_of(environ: dict[str, Any], answer: _Answer, body: Any) -> Any:
    """Return the file that is the whole body, or of which Nginx can cut the same part."""
    code = answer.status[:3]
    if code == "206":
        # Werkzeug's, which cuts out what the header Range asks for. Nginx reads that header too.
        if type(body).__name__ != "_RangeWrapper" or environ.get("HTTP_IF_RANGE"):
            return None
        body = body.iterable
    if not isinstance(body, FileWrapper) or not offload.is_read_as_stored(body.filelike):
        return None
    if not offload.is_simple(
        code,
        answer.headers,
        environ.get("REQUEST_METHOD", "GET"),
        lambda name: environ.get("HTTP_" + name.upper().replace("-", "_")),
    ):
        return None
    if code == "200" and not offload.is_whole(body.filelike, answer.headers):
        return None
    return body.filelike


def _correct_host(environ: dict[str, Any]) -> None:
    host, name, port = seen.host_and_port(
        environ.get("HTTP_HOST", ""),
        environ.get("HTTP_X_FORWARDED_HOST", ""),
        environ.get("HTTP_X_FORWARDED_PORT", ""),
        environ["wsgi.url_scheme"],
    )
    environ["HTTP_HOST"] = environ["HTTP_X_FORWARDED_HOST"] = host
    environ["SERVER_NAME"] = name
    environ["SERVER_PORT"] = environ["HTTP_X_FORWARDED_PORT"] = port
