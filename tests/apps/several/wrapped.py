from shop import app
from werkzeug.middleware.proxy_fix import ProxyFix

app = ProxyFix(app)
