"""Static files of the app and of two blueprints; every request that arrives here is remembered."""

from flask import Blueprint, Flask, request

app = Flask(__name__)
app.config.from_prefixed_env("SITE")

# At /static/admin/, within the app's own /static/, but from another folder.
app.register_blueprint(
    Blueprint("admin", __name__, static_folder="admin_files", static_url_path="/static/admin")
)
app.register_blueprint(
    Blueprint("shop", __name__, static_folder="shop_files", static_url_path="/files"),
    url_prefix="/shop",
)

seen = []


@app.before_request
def remember():
    if request.path != "/seen":
        seen.append(request.environ["RAW_URI"])


@app.route("/seen")
def seen_so_far():
    return seen


@app.route("/")
def home():
    return "home\n"


@app.route("/long.css")
def long_text():
    return "a { color: red }\n" * 1000, {"Content-Type": "text/css"}


@app.route("/static")
@app.route("/staticfoo")
def beside():
    return "from the app\n"
