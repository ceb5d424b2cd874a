from .base import *

STATIC_URL = "https://cdn.example/static/"
MEDIA_URL = "https://cdn.example/media/"
