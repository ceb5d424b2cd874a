def number(text):
    try:
        return int(text)
    except ValueError:
        raise RuntimeError("PORT is not a number\nat all")


PORT = number("80 80")
