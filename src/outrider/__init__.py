"""Outrider puts a Python web app into production: Gunicorn behind Nginx, with one command."""

__version__ = "0.1.0"
