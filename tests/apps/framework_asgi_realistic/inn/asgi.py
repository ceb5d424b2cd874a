from .application import Application
from .middleware import PoweredBy

application = PoweredBy(Application())
