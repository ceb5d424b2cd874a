import cherrypy


class Inn:
    @cherrypy.expose
    def index(self):
        style = cherrypy.url("/static/css/style.css")
        return f'<link rel="stylesheet" href="{style}"><h1>The inn</h1>'

    @cherrypy.expose
    def share(self):
        return cherrypy.url("/horses/7")

    @cherrypy.expose
    def whoami(self):
        return f"{cherrypy.request.remote.ip} {cherrypy.request.scheme}"

    @cherrypy.expose
    def fails(self):
        raise RuntimeError("a wheel came off")


class Stable:
    @cherrypy.expose
    def default(self, number):
        return f"horse {number}"
