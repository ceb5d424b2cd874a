from shop import app, create_app
