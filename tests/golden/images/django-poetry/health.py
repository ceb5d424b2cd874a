# outrider 0.1.0 sha256=dcc99ae41bda95fc893f58cff048e3d8fd4f74839ffe371bf6314956a100fb62
"""Ask the app for a page, and end with 0 when a worker answers: a missing page is an answer too."""

import http.client
import sys

try:
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=4)
    # As Nginx would ask, under a name that the app accepts.
    connection.request("GET", '/-/ready', headers={"Host": 'shop.example', "X-Forwarded-Proto": "https"})
    status = connection.getresponse().status
except (OSError, http.client.HTTPException) as error:
    sys.exit("no answer: {}".format(error))
sys.exit(0 if status < 500 else "the app answers {}".format(status))
