"""What a visitor reads when something went wrong; needs no database."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from flask import Blueprint, current_app, jsonify, render_template, request
from flask_wtf.csrf import CSRFError
from pymongo.errors import ConnectionFailure
from werkzeug.exceptions import BadRequest, HTTPException, ServiceUnavailable

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

RETRY_AFTER_S = 10

blueprint = Blueprint("errors", __name__)


class Words(NamedTuple):
    title: str
    text: str


WORDS = {
    400: Words("That did not work", "Go back in your browser: what you typed is still there."),
    403: Words("This is not for you", "Your account may not do this."),
    404: Words("There is nothing here", "The page has moved or never was."),
    405: Words("That cannot be done here", "The address exists, but not for this kind of request."),
    410: Words("This is gone", "It was here, and it has been removed for good."),
    413: Words("That is too large", "Send something smaller."),
    429: Words("That was too often", "Please wait a little, then try again."),
    500: Words("Something broke", "It is our fault, and it has been logged."),
    503: Words("Back in a moment", "The site cannot reach its database. Nothing is lost."),
}


@blueprint.app_errorhandler(ConnectionFailure)
def database_is_away(error: ConnectionFailure) -> Response:
    current_app.logger.error("the database cannot be reached: %s", error)
    return explain(ServiceUnavailable(retry_after=RETRY_AFTER_S))


@blueprint.app_errorhandler(CSRFError)
def form_of_elsewhere(error: CSRFError) -> Response:
    current_app.logger.warning("a form was refused: %s", error.description)
    return explain(
        BadRequest(
            "This form did not come from a page of this site, or you have signed in or out since "
            "you opened it. Nothing was changed. Copy what you typed, open the form again and "
            "send it once more."
        )
    )


@blueprint.app_errorhandler(HTTPException)
def explain(error: HTTPException) -> Response:
    """Answer with a page, or with JSON for a program that wants no page."""
    status = error.code or 500
    standard = type(error).description
    said = error.description if error.description != standard else None
    title, text = WORDS.get(status, Words(error.name, standard or ""))
    # With the headers that belong to the error: Allow, Retry-After, WWW-Authenticate.
    response = error.get_response()
    if wants_json():
        response.data = jsonify(error=title, message=said or text).data
        response.mimetype = "application/json"
    else:
        try:
            response.data = _page(status, title, said or text)
        except ConnectionFailure as away:
            return database_is_away(away)
    response.cache_control.no_store = True
    return response


def _page(status: int, title: str, text: str) -> str:
    return render_template(
        "errors/error.html",
        status=status,
        title=title,
        text=text,
        request_id=request.headers.get("X-Request-ID"),
    )


def wants_json() -> bool:
    """Judge as Outrider's Nginx does, so that all errors of the site look alike."""
    accepted = request.headers.get("Accept", "")
    asked = f"{accepted} {request.mimetype}"
    return "text/html" not in accepted and "json" in asked
