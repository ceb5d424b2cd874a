import os

import cherrypy

from inn import Inn, Stable

HERE = os.path.dirname(os.path.abspath(__file__))

cherrypy.config.update({"environment": "embedded", "log.screen": True})

conf = {
    "/": {"tools.sessions.on": True, "tools.staticdir.root": HERE},
    "/static": {"tools.staticdir.on": True, "tools.staticdir.dir": "./public"},
}

cherrypy.tree.mount(Inn(), "/", conf)
cherrypy.tree.mount(Stable(), "/horses")
application = cherrypy.tree
