from wsgiref.util import application_uri


class Application:
    def __init__(self):
        self.routes = {
            "/": self.home,
            "/horses/7": self.horse,
            "/share": self.share,
            "/whoami": self.whoami,
            "/fails": self.fails,
        }

    def __call__(self, environ, start_response):
        view = self.routes.get(environ["PATH_INFO"] or "/")
        if view is None:
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"There is no such room"]
        body = view(environ).encode()
        headers = [("Content-Type", "text/html"), ("Content-Length", str(len(body)))]
        start_response("200 OK", headers)
        return [body]

    def home(self, environ):
        return "<h1>The inn</h1>"

    def horse(self, environ):
        return "horse 7"

    def share(self, environ):
        return application_uri(environ).rstrip("/") + "/horses/7"

    def whoami(self, environ):
        return f"{environ['REMOTE_ADDR']} {environ['wsgi.url_scheme']}"

    def fails(self, environ):
        raise RuntimeError("a wheel came off")
