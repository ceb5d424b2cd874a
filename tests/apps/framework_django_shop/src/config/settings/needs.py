import os

from .base import *

SECRET_KEY = os.environ["SHOP_SECRET_KEY"]
