import asyncio
from pathlib import Path

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

FINISHED = Path(__file__).with_name('finished')


def index(request):
    return render(request, 'chat/index.html')


def horse(request, number):
    return HttpResponse(f'horse {number}')


def share(request):
    return HttpResponse(request.build_absolute_uri(reverse('horse', args=[7])))


def whoami(request):
    return HttpResponse(f'{request.META["REMOTE_ADDR"]} {request.scheme}')


def fails(request):
    raise RuntimeError('a wheel came off')


async def events(request):
    async def stream():
        FINISHED.unlink(missing_ok=True)
        yield 'data: departed\n\n'
        for _ in range(600):
            if FINISHED.exists():
                yield 'data: arrived\n\n'
                break
            await asyncio.sleep(0.05)

    return StreamingHttpResponse(stream(), content_type='text/event-stream')


@csrf_exempt
def finish(request):
    FINISHED.touch()
    return HttpResponse('finished')
