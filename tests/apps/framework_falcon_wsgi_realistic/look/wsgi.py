from .app import get_app

application = get_app()
