from shop import models
import shop.web
