# outrider 0.1.0 sha256=8675f83f4afc30789d33f0ba9597de96a6f0c32349756dd9b85faece224e6dcf
"""Ask the app for a page, and end with 0 when a worker answers: a missing page is an answer too."""

import socket
import struct
import sys

# https://uwsgi-docs.readthedocs.io/en/latest/Protocol.html
_VARIABLES = {
    "REQUEST_METHOD": "GET",
    "REQUEST_URI": '/_outrider/health',
    "PATH_INFO": '/_outrider/health',
    "QUERY_STRING": "",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "SERVER_NAME": 'localhost',
    "SERVER_PORT": "80",
    "HTTP_HOST": 'localhost',
    "REMOTE_ADDR": "127.0.0.1",
}


def _sized(text):
    data = text.encode("latin-1")
    return struct.pack("<H", len(data)) + data


try:
    body = b"".join(_sized(text) for pair in _VARIABLES.items() for text in pair)
    with socket.create_connection(("127.0.0.1", 8000), timeout=4) as connection:
        connection.sendall(struct.pack("<BHB", 0, len(body), 0) + body)
        status = int(connection.makefile("rb").readline().split()[1])
except (OSError, ValueError, IndexError) as error:
    sys.exit("no answer: {}".format(error))
sys.exit(0 if status < 500 else "the app answers {}".format(status))
