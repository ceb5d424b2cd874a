import falcon.asgi

from .config import Config
from .resources import Crew, Fails, Home, Horse, Lifespan, Share, Socket, WhoAmI


def create_app(config=None):
    config = config or Config()
    app = falcon.asgi.App(middleware=[Lifespan(config)])
    app.add_route("/", Home())
    app.add_route("/crew", Crew(config))
    app.add_route("/horses/{number:int}", Horse())
    app.add_route("/share", Share())
    app.add_route("/whoami", WhoAmI())
    app.add_route("/fails", Fails())
    app.add_route("/ws", Socket())
    app.add_static_route("/static", config.static_path)
    return app
