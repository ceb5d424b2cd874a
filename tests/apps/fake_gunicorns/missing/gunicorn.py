raise ImportError("no gunicorn")
