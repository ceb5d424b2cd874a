"""What wrk prints, and what it means. The texts are wrk 4.1.0's own."""

import pytest
from benchmarks.tables import wrk

GOOD = """\
Running 3s test @ http://127.0.0.1:8000/
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.45ms    1.02ms  23.01ms   95.10%
    Req/Sec    11.33k     0.90k   12.80k    70.00%
  Latency Distribution
     50%    1.25ms
     75%    1.60ms
     90%    2.10ms
     99%    3.19ms
  33812 requests in 3.00s, 5.51MB read
Requests/sec:  11270.32
Transfer/sec:      1.84MB
"""
# It pads seconds to the width of the other units.
BAD = """\
Running 1s test @ http://127.0.0.1:8000/
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   850.10us  101.00us   1.31s    95.10%
    Req/Sec     1.00k     0.90k    1.80k    70.00%
  Latency Distribution
     50%  850.00us
     75%    1.60ms
     90%    2.10ms
     99%    1.31s{padding}
  1000 requests in 1.00s, 0.90MB read
  Socket errors: connect 1, read 20, write 0, timeout 300
  Non-2xx or 3xx responses: 4000
Requests/sec:   1000.00
Transfer/sec:    900.50KB
""".replace("{padding}", " ")
NOTHING = """\
Running 1s test @ http://127.0.0.1:8000/
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     0.00us    0.00us   0.00us    -nan%
    Req/Sec     0.00      0.00     0.00      -nan%
  Latency Distribution
     50%    0.00us
     75%    0.00us
     90%    0.00us
     99%    0.00us
  0 requests in 1.00s, 0.00B read
Requests/sec:      0.00
Transfer/sec:       0.00B
"""


def test_a_good_run_is_read():
    assert wrk.parse(GOOD) == wrk.Speed(
        rate=11270.32, p50_ms=1.25, p99_ms=3.19, bytes_s=1.84 * 1024**2, errors=0
    )


def test_errors_of_sockets_and_of_statuses_are_one_sum():
    assert wrk.parse(BAD).errors == 4321


def test_every_unit_of_time_becomes_milliseconds():
    found = wrk.parse(BAD)
    assert found.p50_ms == pytest.approx(0.85)
    assert found.p99_ms == pytest.approx(1310)


def test_whom_nobody_answered_has_not_been_fast():
    found = wrk.parse(NOTHING)
    assert found.rate == 0
    assert found.p99_ms == wrk.LIMIT_S * 1000


def test_what_is_no_result_is_said_not_taken_for_zero():
    with pytest.raises(ValueError, match="no result of wrk: 'invalid URL"):
        wrk.parse("invalid URL: nonsense\n")
