# All these are names of Outrider's own modules as well; the first import in the file is the user's.
import answer
import errors
import failure
import frameworks
import importer
import interface
import layer
import layers
import media
import plan
import servers
import settings
import target
import waiting

import sys

from flask import Flask

mine = (answer, errors, failure, frameworks, importer, interface, layer, layers, media, plan, servers, settings, target, waiting)
print("mine:", *(module.__name__ for module in mine if module.WHOSE == "mine"))
files = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
ours = [name for name in files if "/outrider/probe/" in files[name] and name[:2] != "__"]
print("Outrider's:", *sorted(ours))

app = Flask(__name__)
