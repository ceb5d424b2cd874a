async def app(scope, receive, send):
    pass


def without_async(scope, receive, send):
    return app(scope, receive, send)


async def create():
    return app
