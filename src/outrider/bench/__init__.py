"""What visitors see while slow clients hold connections: clients, measurement, report.

`slow` and `stream` are clients that any measurement can use, with the standard library alone.
"""
