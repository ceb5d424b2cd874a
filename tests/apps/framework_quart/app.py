from quart import Quart

app = Quart(__name__)


@app.get("/")
async def home():
    return "home"


configured = Quart(__name__, static_url_path="/files", static_folder="assets")
configured.config.update(MAX_CONTENT_LENGTH=5000, SERVER_NAME="shop.example")
