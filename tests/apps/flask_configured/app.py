from datetime import timedelta

from flask import Flask

app = Flask("shop", static_folder="assets", static_url_path="/files/")
app.config.update(
    APPLICATION_ROOT="/shop",
    SERVER_NAME="shop.example",
    TRUSTED_HOSTS=["shop.example", ".shop.example"],
    SEND_FILE_MAX_AGE_DEFAULT=timedelta(hours=1),
)
