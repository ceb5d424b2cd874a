"""The pages."""

from blog.views import (
    accounts,
    desk,
    errors,
    feeds,
    images,
    moderation,
    reader,
    transfer,
)

BLUEPRINTS = (
    accounts.blueprint,
    desk.blueprint,
    errors.blueprint,
    feeds.blueprint,
    images.blueprint,
    moderation.blueprint,
    reader.blueprint,
    transfer.blueprint,
)
