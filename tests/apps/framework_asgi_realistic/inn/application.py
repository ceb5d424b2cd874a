class Application:
    def __init__(self):
        self.routes = {
            "/": self.home,
            "/horses/7": self.horse,
            "/share": self.share,
            "/whoami": self.whoami,
            "/fails": self.fails,
        }

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            raise ValueError(f"{scope['type']} is not spoken here")
        root = scope.get("root_path", "")
        view = self.routes.get(scope["path"].removeprefix(root) or "/")
        if view is None:
            await answer(send, 404, "There is no such room")
        else:
            await answer(send, 200, view(scope))

    def home(self, scope):
        return "<h1>The inn</h1>"

    def horse(self, scope):
        return "horse 7"

    def share(self, scope):
        host = dict(scope["headers"])[b"host"].decode()
        return f"{scope['scheme']}://{host}{scope.get('root_path', '')}/horses/7"

    def whoami(self, scope):
        return f"{scope['client'][0]} {scope['scheme']}"

    def fails(self, scope):
        raise RuntimeError("a wheel came off")


async def answer(send, status, text):
    body = text.encode()
    headers = [(b"content-type", b"text/html"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
