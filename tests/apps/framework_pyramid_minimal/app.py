from pathlib import Path
from time import sleep

from pyramid.config import Configurator
from pyramid.response import Response

FINISHED = Path(__file__).with_name("finished")


def home(request):
    return Response("<h1>The inn</h1>")


def horse(request):
    return Response(f"horse {request.matchdict['number']}")


def share(request):
    return Response(request.route_url("horse", number=7))


def whoami(request):
    return Response(f"{request.client_addr} {request.scheme}")


def fails(request):
    raise RuntimeError("a wheel came off")


def events(request):
    def stream():
        FINISHED.unlink(missing_ok=True)
        yield b"data: departed\n\n"
        for _ in range(600):
            if FINISHED.exists():
                yield b"data: arrived\n\n"
                break
            sleep(0.05)

    return Response(app_iter=stream(), content_type="text/event-stream")


def finish(request):
    FINISHED.touch()
    return Response("finished")


with Configurator() as config:
    for view, name, pattern in [
        (home, "home", "/"),
        (horse, "horse", "/horses/{number}"),
        (share, "share", "/share"),
        (whoami, "whoami", "/whoami"),
        (fails, "fails", "/fails"),
        (events, "events", "/events"),
        (finish, "finish", "/finish"),
    ]:
        config.add_route(name, pattern)
        config.add_view(view, route_name=name)
    app = config.make_wsgi_app()
