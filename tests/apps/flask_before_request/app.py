from flask import Blueprint, Flask, current_app, send_from_directory


def check_login(*_):
    pass


def with_files(app, blueprint):
    app.config["UPLOAD_FOLDER"] = "uploads"
    app.register_blueprint(blueprint, url_prefix="/files")
    return app


def files():
    blueprint = Blueprint("files", __name__)

    @blueprint.route("/<path:name>")
    def show(name):
        return send_from_directory(current_app.config["UPLOAD_FOLDER"], name)

    return blueprint


def on_app():
    app = with_files(Flask(__name__), files())
    app.before_request(check_login)
    return app


def on_blueprint():
    blueprint = files()
    blueprint.before_request(check_login)
    return with_files(Flask(__name__), blueprint)


def on_values():
    app = with_files(Flask(__name__), files())
    app.url_value_preprocessor(check_login)
    return app


def on_other_blueprint():
    other = Blueprint("other", __name__)
    other.before_request(check_login)
    app = with_files(Flask(__name__), files())
    app.register_blueprint(other)
    return app


def in_subclass():
    class Private(Flask):
        def preprocess_request(self):
            return super().preprocess_request()

    return with_files(Private(__name__), files())


def below_route():
    app = with_files(Flask(__name__), files())
    app.add_url_rule("/files/private/<path:name>", "private", check_login)
    return app


class BasicAuth:
    def __init__(self, app):
        self.app = app

    def __call__(self, environ, start_response):
        return self.app(environ, start_response)


def in_class():
    return BasicAuth(on_other_blueprint())


def in_function():
    app = on_other_blueprint()
    inner = app.wsgi_app

    def ask_for_password(environ, start_response):
        return inner(environ, start_response)

    app.wsgi_app = ask_for_password
    return app


def in_proxy_fix():
    from werkzeug.middleware.dispatcher import DispatcherMiddleware
    from werkzeug.middleware.proxy_fix import ProxyFix

    def metrics(environ, start_response):
        start_response("200 OK", [])
        return []

    app = on_other_blueprint()
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/metrics": metrics})
    return ProxyFix(app)


def in_csrf_protection(**config):
    from flask_wtf.csrf import CSRFProtect

    app = with_files(Flask(__name__), files())
    app.config.update(config, SECRET_KEY="known")
    CSRFProtect(app)
    return app


def in_csrf_protection_of_reading():
    return in_csrf_protection(WTF_CSRF_METHODS=["GET", "POST"])
