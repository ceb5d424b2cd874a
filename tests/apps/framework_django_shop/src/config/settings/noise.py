from .base import *

MIDDLEWARE = [
    "config.gate.Gate",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.gate.Gate",
]
WHITENOISE_ROOT = "/srv/shop/public"
