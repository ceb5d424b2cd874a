"""What `outrider run` and `flask run` find."""

from blog import create_app

app = create_app()
