import falcon


class ImageStore:
    def __init__(self, storage_path):
        self._storage_path = storage_path

    def describe(self, number):
        return f"horse {number}"


class Image:
    def __init__(self, image_store):
        self._image_store = image_store

    def on_get(self, req, resp, number):
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = self._image_store.describe(number)


class Share:
    def on_get(self, req, resp):
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = f"{req.prefix}/horses/7"


class WhoAmI:
    def on_get(self, req, resp):
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = f"{req.remote_addr} {req.scheme}"


class Fails:
    def on_get(self, req, resp):
        raise RuntimeError("a wheel came off")
