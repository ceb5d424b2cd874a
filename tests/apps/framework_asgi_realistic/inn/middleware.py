class PoweredBy:
    """Adds a header to every answer."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async def send_more(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-powered-by", b"horses")]
            await send(message)

        await self.app(scope, receive, send_more)
