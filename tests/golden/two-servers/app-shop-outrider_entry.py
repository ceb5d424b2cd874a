# outrider 0.1.0 sha256=fe3ab7858fcbfc37a396b844b538b2abf3c40728ec7314a6e5410bd38622fd23
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
    ('/srv/shop', '/_outrider/files/shop/0/'),
]

app = entry.wsgi('shop:app', 'uwsgi', '/shop', _roots)
