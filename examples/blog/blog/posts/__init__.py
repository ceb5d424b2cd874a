"""Posts and pages: what they are, what readers see of them, and how writers change them."""

from blog.posts.document import Draft, Kind, Post, Status, words_of
from blog.posts.reading import (
    Listing,
    by_id,
    categories,
    months,
    moved,
    neighbours,
    pages,
    tags,
    visible,
    visible_one,
)
from blog.posts.writing import (
    ConflictError,
    MissingError,
    SlugTakenError,
    delete,
    insert,
    publish,
    save,
    unpublish,
    written,
)

__all__ = [
    "ConflictError",
    "Draft",
    "Kind",
    "Listing",
    "MissingError",
    "Post",
    "SlugTakenError",
    "Status",
    "by_id",
    "categories",
    "delete",
    "insert",
    "months",
    "moved",
    "neighbours",
    "pages",
    "publish",
    "save",
    "tags",
    "unpublish",
    "visible",
    "visible_one",
    "words_of",
    "written",
]
