class PoweredBy:
    """Adds a header to every answer."""

    def __init__(self, app):
        self.app = app

    def __call__(self, environ, start_response):
        def start(status, headers, exc_info=None):
            return start_response(status, [*headers, ("X-Powered-By", "horses")], exc_info)

        return self.app(environ, start)
