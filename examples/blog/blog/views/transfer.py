"""Export and import, for the owner; larger files than the web takes go by the command line."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)

from blog import access, context, database, slugs, transfer
from blog.accounts import Role

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

    from blog.transfer import Added

blueprint = Blueprint("transfer", __name__, cli_group="site")


@blueprint.route("/desk/export")
@access.requires(Role.OWNER)
def export() -> Response:
    """Send everything as a file, while it is being read."""
    now = datetime.now(timezone.utc)
    name = f"{slugs.normal(context.site().name) or 'blog'}-{now:%Y-%m-%d}.json"
    answer = Response(
        stream_with_context(transfer.pieces(database.get(), _root())), mimetype="application/json"
    )
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    answer.cache_control.no_store = True
    return answer


@blueprint.route("/desk/import")
@access.requires(Role.OWNER)
def page() -> AnyResponse:
    """Offer both ways."""
    return _page()


@blueprint.route("/desk/import", methods=["POST"])
@access.requires(Role.OWNER)
def take() -> AnyResponse:
    """Import a file."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        return _page("Choose a file first.", 422)
    try:
        flash(_add(sent.read(), with_preferences="preferences" in request.form), "success")
    except click.ClickException as error:
        return _page(error.message, 422)
    return redirect(url_for("transfer.page"), 303)


@blueprint.route("/desk/import/undo", methods=["POST"])
@access.requires(Role.OWNER)
def undo() -> AnyResponse:
    """Remove what an import has left that broke off."""
    transfer.undo(database.get(), _root())
    flash("The site is as it was before the import.", "success")
    return redirect(url_for("transfer.page"), 303)


@blueprint.cli.command("export")
@click.argument("file", type=click.File("w", encoding="utf-8", atomic=True))
def export_command(file: click.utils.LazyFile) -> None:
    """Write the whole site into FILE."""
    for piece in transfer.pieces(database.get(), _root()):
        file.write(piece)


@blueprint.cli.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--settings", is_flag=True, help="Take over name, time zone and the like, too.")
def import_command(file: click.utils.LazyFile, *, settings: bool) -> None:
    """Add what FILE holds to the site; a file that is broken adds nothing."""
    click.echo(_add(file.read(), with_preferences=settings))  # noqa: TID251 - a command


def _add(content: bytes, *, with_preferences: bool) -> str:
    """Import a file; return a sentence, or raise one."""
    try:
        contents = transfer.check(content)
        added = transfer.add(
            database.get(),
            _root(),
            contents,
            datetime.now(timezone.utc),
            with_preferences=with_preferences,
        )
    except transfer.BrokenFileError as error:
        raise click.ClickException(f"Nothing was imported. {error}") from error
    except transfer.ImportFailedError as error:
        raise click.ClickException(
            f"Nothing was imported, the site is as before: {error}."
        ) from error
    except transfer.RunningError as error:
        raise click.ClickException("Another import is running, or has broken off.") from error
    except transfer.UnfinishedError as error:
        raise click.ClickException(
            "The import broke off, and what it had written could not be removed yet. "
            "Open this page again and undo it."
        ) from error
    return _sentence(added)


def _sentence(added: Added) -> str:
    new = ", ".join(f"{count} {name}" for name, count in added.new.items() if count)
    told = f"Imported: {new}." if new else "Nothing in the file is new."
    return f"{told} {added.present} things were here already and stay as they are."


def _page(problem: str = "", status: int = 200) -> AnyResponse:
    shown = render_template(
        "desk/transfer.html", problem=problem, unfinished=transfer.unfinished_since(database.get())
    )
    return make_response(shown, status)


def _root() -> Path:
    return Path(current_app.config["MEDIA_ROOT"])
