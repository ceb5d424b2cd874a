from pathlib import Path
from time import sleep

import cherrypy

FINISHED = Path(__file__).with_name("finished")


class Inn:
    @cherrypy.expose
    def index(self):
        return "<h1>The inn</h1>"

    @cherrypy.expose
    def horses(self, number):
        return f"horse {number}"

    @cherrypy.expose
    def share(self):
        return cherrypy.url("/horses/7")

    @cherrypy.expose
    def whoami(self):
        return f"{cherrypy.request.remote.ip} {cherrypy.request.scheme}"

    @cherrypy.expose
    def fails(self):
        raise RuntimeError("a wheel came off")

    @cherrypy.expose
    def events(self):
        cherrypy.response.headers["Content-Type"] = "text/event-stream"
        return self.stream()

    events._cp_config = {"response.stream": True}

    def stream(self):
        FINISHED.unlink(missing_ok=True)
        yield b"data: departed\n\n"
        for _ in range(600):
            if FINISHED.exists():
                yield b"data: arrived\n\n"
                break
            sleep(0.05)

    @cherrypy.expose
    def finish(self):
        FINISHED.touch()
        return "finished"


app = cherrypy.Application(Inn(), "")
