from aiohttp import web


async def home(request):
    return web.Response(text="home")


app = web.Application()
app.router.add_get("/", home)


def create_app():
    return web.Application()


async def asgi(scope, receive, send):
    """Answers beside it."""
