"""What lives inside the app's own process.

Outrider may be installed apart from the app, so nothing here imports Outrider: these files are run
by path or copied beside gunicorn.conf.py, on Python 3.8 or newer, with the standard library and
Gunicorn.
"""
