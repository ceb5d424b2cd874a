# outrider 0.1.0 sha256=703e813d8b75318b973727639feedea703df8939d0d60cf6b018004e1d5cdc82
# shop:app, as Waitress calls it: imported as Gunicorn would, with the shim around it.

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

app = entry.wsgi('shop:app', 'waitress', '', _roots)
