from pyramid.config import Configurator


def main(global_config, **settings):
    assert settings["shop.name"] == "of the ini file"
    config = Configurator(settings=settings)
    config.add_static_view("static", "shop:static")
    return config.make_wsgi_app()
