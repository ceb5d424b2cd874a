def cents(price):
    return int(price) * 100


app = cents("12,50")
