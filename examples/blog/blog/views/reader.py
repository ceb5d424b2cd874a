"""What everybody may read, and the form for comments."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from blog import access, comments, context, database, posts
from blog.accounts import Role
from blog.excerpt import excerpt, marked
from blog.forms import Form
from blog.links import first_picture, rooted
from blog.posts import Kind
from blog.posts.reading import LONGEST_QUERY

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue
    from markupsafe import Markup

# A page far beyond any end: its number would not fit into the database's integers.
LAST_PAGE = 10_000
OWN_COMMENTS = 10

blueprint = Blueprint("reader", __name__)


def now() -> datetime:
    return datetime.now(timezone.utc)


class CommentForm(Form):
    name = StringField("Your name", [DataRequired("What is your name?"), Length(max=60)])
    text = TextAreaField(
        "Your comment",
        [DataRequired("There is nothing in it yet."), Length(max=comments.LONGEST_TEXT)],
        description="Plain text; *emphasis*, links and `code` as in Markdown.",
    )
    # People do not see it; programs that fill in every field give themselves away.
    website = StringField("Leave this empty")


@blueprint.get("/")
def front() -> str:
    return listing()


@blueprint.get("/tag/<path:tag>")
def tag(tag: str) -> str:
    return listing(f"Posts tagged “{tag}”", tag=tag)


@blueprint.get("/category/<path:name>")
def category(name: str) -> str:
    return listing(name, category=name)


@blueprint.get("/archive/<int:year>/<int:month>")
def month(year: int, month: int) -> str:
    if not (1 <= month <= 12 and 1970 <= year <= 9998):
        abort(404)
    return listing(f"{datetime(year, month, 1, tzinfo=timezone.utc):%B %Y}", month=(year, month))


def listing(heading: str = "", **only: Any) -> str:
    """Show one page of posts; under a heading there is at least one, or no such page."""
    found = listed(**only)
    if heading and not found.posts:
        abort(404)
    return render_template("reader/listing.html", heading=heading, listing=found)


def listed(**only: Any) -> posts.Listing:
    page = request.args.get("page", 1, type=int)
    if not 1 <= page <= LAST_PAGE:
        abort(404)
    found = posts.visible(
        database.get(),
        now(),
        page=page,
        per_page=context.site().posts_per_page,
        zone=context.zone(),
        **only,
    )
    if page > found.pages:
        abort(404)
    return found


@blueprint.get("/archive")
def archive() -> str:
    db, time = database.get(), now()
    months = posts.months(db, time, context.zone())
    return render_template(
        "reader/archive.html", months=months, categories=posts.categories(db, time)
    )


@blueprint.get("/tags")
def tags() -> str:
    return render_template("reader/tags.html", tags=posts.tags(database.get(), now()))


@blueprint.get("/search")
def search() -> str:
    query = request.args.get("q", "").strip()[:LONGEST_QUERY]
    found = listed(words=query) if query else None
    return render_template(
        "reader/search.html", query=query, words=tuple(query.split()), listing=found
    )


@blueprint.get("/post/<slug>")
def post(slug: str) -> ResponseReturnValue:
    return shown(slug, Kind.POST)


@blueprint.get("/page/<slug>")
def page(slug: str) -> ResponseReturnValue:
    return shown(slug, Kind.PAGE)


def shown(slug: str, kind: Kind) -> ResponseReturnValue:
    db = database.get()
    one = posts.visible_one(db, now(), slug, kind)
    if one is None:
        current = posts.moved(db, slug, kind)
        if current is None:
            abort(404)
        return redirect(url_for(f"reader.{kind}", slug=current), 301)
    return article(one, CommentForm())


def article(one: posts.Post, form: CommentForm) -> str:
    db = database.get()
    older, newer = (None, None)
    if one.kind is Kind.POST:
        older, newer = posts.neighbours(db, now(), one)
    return render_template(
        f"reader/{one.kind}.html",
        post=one,
        older=older,
        newer=newer,
        thread=comments.thread(db, one.id, own=own_comments()),
        form=form,
        may_comment=may_comment(one),
        may_edit=may_edit(one),
    )


def may_edit(one: posts.Post) -> bool:
    user = access.current()
    return user is not None and (user.role >= Role.EDITOR or user.id == one.author)


def may_comment(one: posts.Post) -> bool:
    return one.comments_open and context.site().comments == "open"


# -- comments --------------------------------------------------------------------------------------


@blueprint.post("/post/<slug>/comments")
def comment(slug: str) -> ResponseReturnValue:
    db, time = database.get(), now()
    one = posts.visible_one(db, time, slug, Kind.POST)
    if one is None:
        abort(404)
    if not may_comment(one):
        abort(403, "Comments on this post are closed.")
    user, form = access.current(), CommentForm()
    if user:
        del form.name
    if not form.validate_on_submit():
        return article(one, form), 422
    if form.website.data:
        flash(WAITS, "success")  # a program learns nothing from it
        return redirect(url_for("reader.post", slug=one.slug))
    name = "" if user else form.name.data.strip()
    added = comments.add(db, one.id, name=name, text=form.text.data.strip(), user=user, now=time)
    if added.is_waiting:
        session["comments"] = [str(added.id), *session.get("comments", ())][:OWN_COMMENTS]
        flash(WAITS, "success")
    return redirect(url_for("reader.post", slug=one.slug, _anchor=f"comment-{added.id}"))


WAITS = "Thank you. Your comment waits for approval; until then only you see it."


@blueprint.get("/post/<slug>/comments")
def comments_of(slug: str) -> ResponseReturnValue:
    """Lead back who reloads the page of a comment that was not complete."""
    return redirect(url_for("reader.post", slug=slug, _anchor="comments"))


def own_comments() -> list[comments.ObjectId]:
    """Tell which comments this browser has written, so that they are shown while they wait."""
    return [comments.ObjectId(one) for one in session.get("comments", ())]


# -- in templates ---------------------------------------------------------------------------------


@blueprint.app_template_filter("rooted")
def rooted_here(html: str) -> Markup:
    return rooted(html, request.script_root)


@blueprint.app_template_filter("first_picture")
def first_picture_here(html: str) -> Markup | None:
    return first_picture(html, request.script_root)


@blueprint.app_template_filter("absolute")
def absolute(address: str) -> str:
    """Return an address of this site, or of another, as other sites have to write it."""
    return urljoin(request.root_url, address)


blueprint.add_app_template_filter(excerpt)
blueprint.add_app_template_filter(marked)
