from dash import Dash, Input, Output, callback, dcc, html

app = Dash()
server = app.server

app.layout = html.Div(
    [
        html.H1("The inn"),
        dcc.Dropdown(["Bess", "Dobbin"], "Bess", id="horse"),
        html.Div(id="stable"),
    ]
)


@callback(Output("stable", "children"), Input("horse", "value"))
def show(horse):
    return f"{horse} is in the stable"


if __name__ == "__main__":
    app.run(debug=True)
