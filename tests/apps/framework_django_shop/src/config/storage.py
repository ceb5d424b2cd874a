from django.core.files.storage import Storage


class Remote(Storage):
    """Keeps files with a service."""
