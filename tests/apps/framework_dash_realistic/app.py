import dash
from dash import Dash, dcc, html
from flask import request, url_for

app = Dash(__name__, use_pages=True, title="The inn")
server = app.server

app.layout = html.Div(
    [
        html.H1("The inn"),
        html.Div(
            [dcc.Link(page["name"], href=page["relative_path"]) for page in dash.page_registry.values()]
        ),
        dash.page_container,
    ]
)


@server.route("/horses/<int:number>")
def horse(number):
    return f"horse {number}"


@server.route("/share")
def share():
    return url_for("horse", number=7, _external=True)


@server.route("/whoami")
def whoami():
    return f"{request.remote_addr} {request.scheme}"


@server.route("/fails")
def fails():
    raise RuntimeError("a wheel came off")


if __name__ == "__main__":
    app.run(debug=True)
