from wsgiref.simple_server import make_server


def app(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]


make_server("127.0.0.1", 0, app).serve_forever()
