import sys

sys.exit("SECRET_KEY is not set")
