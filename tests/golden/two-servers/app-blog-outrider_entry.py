# outrider 0.1.0 sha256=7da277a6fbec6bfd95a4aed84728f373a3003b012a06b88b8a83a4bec98d4e84
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
    ('/srv/shop', '/_outrider/files/blog/0/'),
]

app = entry.wsgi('shop:app', 'granian', '/blog', _roots)
