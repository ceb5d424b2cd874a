from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from .models import Horse


def index(request):
    return render(request, 'horses/index.html', {'horses': Horse.objects.all()})


def detail(request, pk):
    return HttpResponse(f'horse {pk}')


@csrf_exempt
def new(request):
    horse = Horse.objects.create(name=request.POST['name'], picture=request.FILES['picture'])
    return HttpResponse(horse.picture.url)


def share(request):
    return HttpResponse(request.build_absolute_uri(reverse('horses:detail', args=[7])))


def whoami(request):
    return HttpResponse(f'{request.META["REMOTE_ADDR"]} {request.scheme}')


def fails(request):
    raise RuntimeError('a wheel came off')
