class Site:
    def __init__(self, name="site"):
        len(name, 2)


def create_app():
    return len("a", "b")
