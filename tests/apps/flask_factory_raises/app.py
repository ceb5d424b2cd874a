def create_app():
    read_settings()


def read_settings():
    raise KeyError("SECRET_KEY")
