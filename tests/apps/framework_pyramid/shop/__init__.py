from pyramid.config import Configurator
from pyramid.response import Response


def home(request):
    return Response("home")


def tween(handler, registry):
    return handler


def configured():
    config = Configurator(settings={})
    config.add_route("home", "/")
    config.add_view(home, route_name="home")
    config.add_static_view("static", "shop:static", cache_max_age=600)
    return config


def main(global_config, **settings):
    """Return the WSGI app, as Pyramid's cookiecutter writes it."""
    return configured().make_wsgi_app()


def prefixed():
    config = configured()
    config.include(lambda inner: inner.add_static_view("assets", "static"), route_prefix="inner")
    config.add_tween("shop.tween")
    return config.make_wsgi_app()


def guarded():
    config = configured()
    config.add_static_view("members", "shop:static", permission="view")
    config.add_static_view("https://cdn.example/", "shop:static")
    return config.make_wsgi_app()


def overridden():
    config = configured()
    config.override_asset("shop:static/", "shop:other/")
    return config.make_wsgi_app()
