"""Lay out: pure functions from a Site to Artifacts. Same Site, same bytes."""
