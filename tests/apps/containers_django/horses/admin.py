from django.contrib import admin

from .models import Horse

admin.site.register(Horse)
