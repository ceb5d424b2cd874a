from aiohttp import web

from .routes import setup_routes


async def init_app(argv=None):
    app = web.Application()
    setup_routes(app)
    return app


def main(argv):
    web.run_app(init_app(argv))
