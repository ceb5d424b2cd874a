# outrider 0.1.0 sha256=b5715a6ff1f15a12cadd8ab37703bc79de67b74025c6ff6381ec2fcdf97aa436
"""Ask the app for a page, and end with 0 when a worker answers: a missing page is an answer too."""

import socket
import struct
import sys

# https://uwsgi-docs.readthedocs.io/en/latest/Protocol.html
_VARIABLES = {
    "REQUEST_METHOD": "GET",
    "REQUEST_URI": '/-/ready',
    "PATH_INFO": '/-/ready',
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
