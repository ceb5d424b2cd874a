import time

print("waiting for the database")
time.sleep(600)
