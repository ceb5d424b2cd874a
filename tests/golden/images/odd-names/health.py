# outrider 0.1.0 sha256=3bbd6dc3807a8d00606bf4b1d700d90b02132ce2fb514449199ac9ae62d34418
"""Ask the app for a page, and end with 0 when a worker answers: a missing page is an answer too."""

import http.client
import sys

try:
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=4)
    # As Nginx would ask, under a name that the app accepts.
    connection.request("GET", '/_outrider/health', headers={"Host": 'localhost', "X-Forwarded-Proto": "https"})
    status = connection.getresponse().status
except (OSError, http.client.HTTPException) as error:
    sys.exit("no answer: {}".format(error))
sys.exit(0 if status < 500 else "the app answers {}".format(status))
