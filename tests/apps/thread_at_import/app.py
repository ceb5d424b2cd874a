import atexit
import threading

from flask import Flask

threading.Thread(target=threading.Event().wait).start()
atexit.register(print, "deregistered")
app = Flask(__name__)
