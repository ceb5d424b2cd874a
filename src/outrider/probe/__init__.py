"""What imports the user's app and says what it is: `__main__.py`, run by path, and its siblings."""
