"""What happens on a running site, in figures: a pure function of log lines and the time."""

from outrider.metrics.counts import RECENT_S, WINDOW_S, Metrics
from outrider.metrics.figures import (
    BOUNDS_S,
    Connections,
    Figures,
    Histogram,
    Latency,
    Process,
    Rates,
    Request,
    Traffic,
)
from outrider.metrics.prometheus import prometheus

__all__ = [
    "BOUNDS_S",
    "RECENT_S",
    "WINDOW_S",
    "Connections",
    "Figures",
    "Histogram",
    "Latency",
    "Metrics",
    "Process",
    "Rates",
    "Request",
    "Traffic",
    "prometheus",
]
