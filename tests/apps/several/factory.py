from shop import create_app
