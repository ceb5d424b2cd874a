from flask import Blueprint, Flask

app = Flask(__name__)

admin = Blueprint("admin", __name__, static_folder="admin_files", url_prefix="/admin")
charts = Blueprint("charts", __name__, static_folder="chart_files", url_prefix="/charts")
plain = Blueprint("plain", __name__)
shadowed = Blueprint("shadowed", __name__, static_folder="never", static_url_path="/static")

if hasattr(admin, "register_blueprint"):  # from Flask 2.0
    admin.register_blueprint(charts)
    app.register_blueprint(admin, url_prefix="/boss", name="boss")
app.register_blueprint(admin)
app.register_blueprint(plain)
app.register_blueprint(shadowed)
