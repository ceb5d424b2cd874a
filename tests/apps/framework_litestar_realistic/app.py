from inn.asgi import create_app

app = create_app()
