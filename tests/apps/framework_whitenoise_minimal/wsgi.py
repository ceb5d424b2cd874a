from my_project import Application
from whitenoise import WhiteNoise

application = Application()
application = WhiteNoise(application, root="static", prefix="static/")
