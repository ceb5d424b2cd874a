"""What `ss --memory` prints, and what it means. The text is that of iproute2 6.1."""

from benchmarks.tables import stalled

TEXT = """\
0      2609152           127.0.0.1:8000         127.0.0.1:41206
\t skmem:(r0,rb131072,t0,tb2626560,f1024,w1048576,o0,bl0,d0)
0      0                 127.0.0.1:8000         127.0.0.1:41208
\t skmem:(r768,rb131072,t0,tb2626560,f0,w2048,o0,bl0,d0)
"""


def test_the_queues_of_all_connections_are_added_up():
    assert stalled.parse_queued(TEXT) == 1024 + 2


def test_no_connection_holds_nothing():
    assert stalled.parse_queued("") == 0
