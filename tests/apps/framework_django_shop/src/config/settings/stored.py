from .base import *

STORAGES = {
    "default": {"BACKEND": "config.storage.Remote"},
    "staticfiles": {"BACKEND": "config.storage.Remote"},
}
