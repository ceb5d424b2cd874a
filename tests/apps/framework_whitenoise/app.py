from flask import Flask
from whitenoise import WhiteNoise

flask = Flask(__name__, static_folder=None)
app = WhiteNoise(flask, root="root")
app.add_files("assets", prefix="assets/")

fresh = WhiteNoise(flask, root="root", autorefresh=True)
