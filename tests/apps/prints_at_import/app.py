import os
import subprocess
import sys

from flask import Flask

print('{"app": "not the answer"}')
print("warning", file=sys.stderr)
print("report", os.environ.get("OUTRIDER_REPORT_FD"), "arguments", sys.argv[1:])
inherited = subprocess.check_output(["ls", "/proc/self/fd"], close_fds=False, text=True).split()
# Standard input, output and error, and the one with which ls reads that folder.
print("children have", len(inherited) - 4, "descriptors more")

app = Flask(__name__)
