# outrider 0.1.0 sha256=544a8a8eae62429ad7569e2e92e492260aba176516e813f80510f629fec498f3
# shop:app, as uWSGI calls it: imported as Gunicorn would, with the shim around it.

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

app = entry.wsgi('shop:app', 'uwsgi', '', _roots)
