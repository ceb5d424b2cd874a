# outrider 0.1.0 sha256=1ecfa55489c296502645a6396434f0fe361ca5611baad45cd1058a7dfb9322ff
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

app = entry.wsgi('shop:app', 'granian', '', _roots)
