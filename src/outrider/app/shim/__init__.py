"""Stand between the application server and the app, so that the app sees the client, not the proxy.

The server listens on a Unix socket that only Nginx can reach, and Nginx sets every header read here
or clears it, so nothing here comes from outside. A copy of this package lies beside each
configuration file, because the app's environment need not have Outrider in it.

Nothing is imported here: behind a WSGI app nobody needs asyncio, which takes 2 MB of each process.
"""
