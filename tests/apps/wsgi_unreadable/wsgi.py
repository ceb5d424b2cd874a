import functools


def wrapper(*args, **kwargs):
    return []


class Loose:
    def __call__(self, *args, **kwargs):
        return []


loose = Loose()
partial = functools.partial(lambda name, environ, start_response: [], "name")
from_c = {}.update
