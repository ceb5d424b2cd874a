"""What tests say of the people in them."""

from datetime import datetime, timezone

PASSWORD = "correct horse battery"
NOW = datetime(2026, 7, 1, 12, 0, tzinfo=timezone.utc)
