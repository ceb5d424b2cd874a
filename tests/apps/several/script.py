import sys

ARGUMENTS = sys.argv
