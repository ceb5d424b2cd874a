from .base import *

DATA_UPLOAD_MAX_MEMORY_SIZE = 5_000_000
