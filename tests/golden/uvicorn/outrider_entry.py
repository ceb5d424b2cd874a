# outrider 0.1.0 sha256=eb6da4dc7fd3b65f236f01d31251ecd0f77ea3acc6bccf95b2530040eb9896a3
# shop:app, as Uvicorn calls it: imported as Gunicorn would, with the shim around it.

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

app = entry.asgi('shop:app', 'uvicorn', '', _roots)
