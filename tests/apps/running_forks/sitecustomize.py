"""Makes all workers of Gunicorn but the first slow to come to themselves after the fork.

On a busy machine any of them may be.
"""

import os
import sys
import time

forks = 0


def count():
    global forks
    forks += 1


def wait():
    if sys.argv[0] == "gunicorn" and forks > 1:
        time.sleep(3)


os.register_at_fork(before=count, after_in_child=wait)
