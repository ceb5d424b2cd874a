from pathlib import Path

import falcon
import falcon.asgi

FILES = Path(__file__).parent / "files"


class Gate:
    def process_request(self, req, resp):
        pass


class AsyncGate:
    async def process_request(self, req, resp):
        pass


def with_files(app):
    app.add_static_route("/static", str(FILES))
    app.add_static_route("/pages", str(FILES), fallback_filename="style.css")
    app.add_static_route("/downloads", str(FILES), downloadable=True)
    return app


app = with_files(falcon.App())
gated = with_files(falcon.App(middleware=[Gate()], cors_enable=True))
asynchronous = with_files(falcon.asgi.App(middleware=[AsyncGate()]))
