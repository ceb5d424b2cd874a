# outrider 0.1.0 sha256=22477acd54a73632e3fae6385a0addd2d60c3f2c2da552f0c4439e39fa829fd4
# shop:app, as Granian calls it: imported as Gunicorn would, with the shim around it.

import os
import sys

sys.path.append(os.path.dirname(os.path.abspath(__file__)))  # the shim lies beside this file
for _place in ['/srv/shop']:
    if _place not in sys.path:
        sys.path.insert(0, _place)

from outrider_shim import entry

# Nginx sends what the app hands out of these folders, under internal URLs.
_roots = [
    ('/srv/shop', '/_outrider/files/0/'),
]

app = entry.asgi('shop:app', 'granian', '', _roots)
