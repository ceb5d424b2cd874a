class Site:
    async def __call__(self, scope, receive, send):
        pass


app = Site()


class Legacy:
    def __init__(self, scope):
        self.scope = scope

    async def __call__(self, receive, send):
        pass
