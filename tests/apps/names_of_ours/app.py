# All three are names of Outrider's own modules as well; the first import in the file is the user's.
import errors
import plan
import settings

from flask import Flask

app = Flask(f"{errors.WHOSE} {plan.WHOSE} {settings.WHOSE}")
