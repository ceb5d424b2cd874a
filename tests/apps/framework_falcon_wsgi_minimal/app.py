from pathlib import Path
from time import sleep

import falcon

FINISHED = Path(__file__).with_name("finished")


class Home:
    def on_get(self, req, resp):
        resp.content_type = falcon.MEDIA_HTML
        resp.text = "<h1>The inn</h1>"


class Horse:
    def on_get(self, req, resp, number):
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = f"horse {number}"


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


class Events:
    def on_get(self, req, resp):
        resp.content_type = "text/event-stream"
        resp.stream = self.stream()

    def stream(self):
        FINISHED.unlink(missing_ok=True)
        yield b"data: departed\n\n"
        for _ in range(600):
            if FINISHED.exists():
                yield b"data: arrived\n\n"
                break
            sleep(0.05)


class Finish:
    def on_post(self, req, resp):
        FINISHED.touch()


app = falcon.App()
app.add_route("/", Home())
app.add_route("/horses/{number:int}", Horse())
app.add_route("/share", Share())
app.add_route("/whoami", WhoAmI())
app.add_route("/fails", Fails())
app.add_route("/events", Events())
app.add_route("/finish", Finish())
