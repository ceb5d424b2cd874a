import sys

sys.exit("the database is not configured")
