from django.urls import path

from . import views

urlpatterns = [
    path('', views.index, name='index'),
    path('horses/<int:number>', views.horse, name='horse'),
    path('share', views.share, name='share'),
    path('whoami', views.whoami, name='whoami'),
    path('fails', views.fails, name='fails'),
    path('events', views.events, name='events'),
    path('finish', views.finish, name='finish'),
]
