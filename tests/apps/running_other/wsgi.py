"""A second project, to be served beside the first."""


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the other project\n"]
