# outrider 0.1.0 sha256=86638c923fbb42eac80c4c0d501ab87807b4267e5a2d5a6d5cdd0df15e82151f
"""Steps of the image's build that need the app: PYTHON build.py collect | import

Its settings may want variables. The build is given the environment file as a secret, which is in no
layer.
"""

import importlib
import os
import re
import runpy
import sys

ENV_FILE = "/run/secrets/env"
COLLECT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "collect.py")
PLACES = ['/srv/app']


def read_variables():
    """Set what the environment file says, as `outrider run --env-file` would."""
    with open(ENV_FILE, encoding="utf-8") as file:
        for line in file:
            match = re.match(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)", line.rstrip())
            if match:
                name, value = match.groups()
                quoted = re.match(r"""(['"])(.*?)\1""", value)
                os.environ[name] = quoted[2] if quoted else re.split(r"\s+#", value)[0].rstrip()


if os.path.exists(ENV_FILE):
    read_variables()
if sys.argv[1] == "collect":
    sys.argv = [COLLECT, *[]]
    runpy.run_path(COLLECT, run_name="__main__")
else:
    sys.path.append(sys.path.pop(0))  # the shim lies beside this file, and hides nothing of the app
    sys.path[:0] = PLACES
    importlib.import_module("outrider_shim.target").import_app('wsgi:app')
