"""Requests as logline takes them apart."""


def row(status, sent, seconds, upstream_status="-", upstream_seconds="-", site=""):
    """Return one; what does not count is always the same."""
    place = ("12:00:00", site, "0123456789abcdef", "127.0.0.1", "GET", "/")
    return (*place, status, str(sent), seconds, upstream_status, upstream_seconds)


PAGE = row("200", 800, "0.050", "200", "0.040")
STATIC = row("200", 10443, "0.004")


def of(site, one):
    """Return the same request of another site."""
    return (one[0], site, *one[2:])
