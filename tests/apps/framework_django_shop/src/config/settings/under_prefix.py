from .base import *

FORCE_SCRIPT_NAME = "/shop"
STATIC_URL = "static/"
FILE_UPLOAD_HANDLERS = []
