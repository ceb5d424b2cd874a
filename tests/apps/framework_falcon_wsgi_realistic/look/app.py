import os
import pathlib

import falcon

from .images import Image, ImageStore, Share, WhoAmI, Fails

STATIC = pathlib.Path(__file__).parent.parent / "static"


class Home:
    def on_get(self, req, resp):
        resp.content_type = falcon.MEDIA_HTML
        resp.text = '<link rel="stylesheet" href="static/style.css"><h1>The inn</h1>'


def create_app(image_store):
    app = falcon.App()
    app.add_route("/", Home())
    app.add_route("/horses/{number:int}", Image(image_store))
    app.add_route("/share", Share())
    app.add_route("/whoami", WhoAmI())
    app.add_route("/fails", Fails())
    app.add_static_route("/static", STATIC)
    return app


def get_app():
    storage_path = os.environ.get("LOOK_STORAGE_PATH", ".")
    return create_app(ImageStore(storage_path))
