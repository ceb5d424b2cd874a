class Site:
    def __call__(self, environ, start_response):
        start_response("200 OK", [])
        return [b"hello"]

    def method(self, environ, start_response):
        return self(environ, start_response)


site = Site()
method = site.method


class View:
    def __call__(self, request):
        return "hello"


view = View()
