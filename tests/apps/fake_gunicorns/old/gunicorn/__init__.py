version_info = (20, 1, 0)
__version__ = "20.1.0"
