from aiohttp import web


async def home(request):
    return web.Response(text="<h1>The inn</h1>", content_type="text/html")


app = web.Application()
app.add_routes([web.get("/", home)])

if __name__ == "__main__":
    web.run_app(app)
