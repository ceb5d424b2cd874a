from django.urls import path

from . import views

app_name = 'horses'
urlpatterns = [
    path('', views.index, name='index'),
    path('horses/<int:pk>', views.detail, name='detail'),
    path('new', views.new, name='new'),
    path('share', views.share, name='share'),
    path('whoami', views.whoami, name='whoami'),
    path('fails', views.fails, name='fails'),
]
