from .base import *

STATIC_ROOT = BASE_DIR / "static"
