import os
import time

from flask import Flask

time.sleep(float(os.environ.get("SLOW_IMPORT_S", "0")))
app = Flask(__name__)
