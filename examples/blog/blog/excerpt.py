"""Where the words of a search stand in a text."""

import re

from markupsafe import Markup, escape

BEFORE = 80
LENGTH = 260


def marked(text: str, words: tuple[str, ...]) -> Markup:
    """Mark each of the words."""
    if not words:
        return escape(text)
    # The longest first: "Nginx" is marked whole even if "ngi" is looked for, too.
    longest_first = sorted(words, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)
    parts, end = [], 0
    for found in pattern.finditer(text):
        parts += [escape(text[end : found.start()]), Markup("<mark>{}</mark>").format(found[0])]
        end = found.end()
    return Markup("").join([*parts, escape(text[end:])])


def excerpt(text: str, words: tuple[str, ...]) -> Markup:
    """Show the part of a text where the first of the words stands, with all words marked."""
    places = (re.search(re.escape(word), text, re.IGNORECASE) for word in words)
    first = min((place.start() for place in places if place), default=0)
    start = max(0, first - BEFORE)
    if start:
        # From the next word on; scripts without spaces have none nearby.
        space = text.find(" ", start, first)
        start = space + 1 if space >= 0 else start
    end = start + LENGTH
    if end < len(text):
        space = text.rfind(" ", first, end)
        end = space if space > first + BEFORE else end
    shown = marked(" ".join(text[start:end].split()), words)
    return Markup("{}{}{}").format("… " if start else "", shown, " …" if end < len(text) else "")
