import os
import pathlib


class Config:
    DEFAULT_STATIC_PATH = pathlib.Path(__file__).parent.parent / "static"

    def __init__(self):
        self.static_path = pathlib.Path(
            os.environ.get("ASGI_LOOK_STATIC_PATH", self.DEFAULT_STATIC_PATH)
        )
        self.crew = ""
