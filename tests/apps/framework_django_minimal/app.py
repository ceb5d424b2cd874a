"""A Django site in one file."""

from pathlib import Path
from time import sleep

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path, reverse

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="not a secret",
)
FINISHED = Path(__file__).with_name("finished")


def home(request):
    return HttpResponse("<h1>The inn</h1>")


def horse(request, number):
    return HttpResponse(f"horse {number}")


def share(request):
    return HttpResponse(request.build_absolute_uri(reverse("horse", args=[7])))


def whoami(request):
    return HttpResponse(f"{request.META['REMOTE_ADDR']} {request.scheme}")


def fails(request):
    raise RuntimeError("a wheel came off")


def events(request):
    def stream():
        FINISHED.unlink(missing_ok=True)
        yield "data: departed\n\n"
        for _ in range(600):
            if FINISHED.exists():
                yield "data: arrived\n\n"
                break
            sleep(0.05)

    return StreamingHttpResponse(stream(), content_type="text/event-stream")


def finish(request):
    FINISHED.touch()
    return HttpResponse("finished")


urlpatterns = [
    path("", home),
    path("horses/<int:number>", horse, name="horse"),
    path("share", share),
    path("whoami", whoami),
    path("fails", fails),
    path("events", events),
    path("finish", finish),
]

app = get_wsgi_application()
