# As prometheus_client does for its exporter.
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

from flask import Flask


class Metrics(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204)
        self.end_headers()


server = HTTPServer(("127.0.0.1", 0), Metrics)
threading.Thread(target=server.serve_forever, daemon=True).start()
with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/") as answer:
    print("metrics", answer.status)

app = Flask(__name__)
