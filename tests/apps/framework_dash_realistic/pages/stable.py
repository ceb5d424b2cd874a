import dash
from dash import Input, Output, callback, dcc, html

dash.register_page(__name__)

layout = html.Div(
    [dcc.Dropdown(["Bess", "Dobbin"], "Bess", id="horse"), html.Div(id="stall")]
)


@callback(Output("stall", "children"), Input("horse", "value"))
def show(horse):
    return f"{horse} is in the stable"
