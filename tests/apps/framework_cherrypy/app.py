import os

import cherrypy

HERE = os.path.dirname(os.path.abspath(__file__))


class Root:
    @cherrypy.expose
    def index(self):
        return "home"


CONFIG = {
    "/": {"tools.staticdir.root": HERE},
    "/static": {"tools.staticdir.on": True, "tools.staticdir.dir": "files"},
    "/members": {
        "tools.staticdir.on": True,
        "tools.staticdir.dir": "files",
        "tools.auth_basic.on": True,
    },
    "/off": {"tools.staticdir.on": False, "tools.staticdir.dir": "files"},
}
application = cherrypy.tree.mount(Root(), "/", CONFIG)
tree = cherrypy.tree
