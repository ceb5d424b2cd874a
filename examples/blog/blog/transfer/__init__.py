"""Everything of the site as one JSON file, and back again.

    {"format": "outrider-blog", "version": 1, "preferences": {…},
     "users": […], "posts": […], "comments": […], "images": […]}

The bytes of each image are in it, as base64. Passwords are not, not even as hashes, for such files
lie about in download folders and mail; the owner gives new ones to people who came with an import.
HTML is not in it either: it is made from the Markdown, so no file can bring a script along.

An import adds. What has the same id, login or image path as something that is there already leaves
that as it is, so importing a file twice does nothing the second time.
"""

from blog.transfer.checking import BrokenFileError, Contents, check
from blog.transfer.export import pieces
from blog.transfer.writing import (
    Added,
    ImportFailedError,
    RunningError,
    UnfinishedError,
    add,
    undo,
    unfinished_since,
)

__all__ = [
    "Added",
    "BrokenFileError",
    "Contents",
    "ImportFailedError",
    "RunningError",
    "UnfinishedError",
    "add",
    "check",
    "pieces",
    "undo",
    "unfinished_since",
]
