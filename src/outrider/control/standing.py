"""How a running site stands, in words for whoever was woken up by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MARGIN = "  "
_LABEL = 15
_LONGEST_PATH = 60


def shown(state: Mapping[str, Any], now: float) -> str:
    """Return it for a terminal.

    Args:
        state: as the site tells.
        now: seconds of the epoch.
    """
    figures: Mapping[str, Any] = state.get("figures") or {}
    lines = _head(state, now)
    if figures:
        lines += ["", *_traffic("requests of the last minute", figures["traffic"])]
        now_rows = _row("connections", _connections(figures.get("connections")))
        now_rows += _row("in progress", _in_progress(figures.get("processes", ())))
        lines += ["", "now", *now_rows] if now_rows else []
        for name, traffic in (figures.get("sites") or {}).items():
            lines += ["", *_traffic(f"site {name}", traffic)]
    lines += ["", *_processes(state, figures, now)]
    return "\n".join(lines) + "\n"


def _head(state: Mapping[str, Any], now: float) -> list[str]:
    names = ", ".join(state.get("names", ()))
    since = age(now - float(state.get("started", now)))
    how = str(state.get("phase", ""))
    if state.get("is_reloading"):
        how += ", and being reloaded"
    lines = [f"{names}  {state.get('url', '')}"]
    lines += _row("state", f"{how}; up for {since}, generation {state.get('generation', 1)}")
    if state.get("maintenance"):
        allowed = state.get("allow") or ()
        beside = f" but {', '.join(allowed)}" if allowed else ""
        lines += _row("maintenance", f"on: everyone{beside} is answered 503")
    lines += _row("project", ", ".join(state.get("directories", ())))
    lines += _row("run directory", state.get("run_dir"))
    return lines


def _traffic(title: str, traffic: Mapping[str, Any]) -> list[str]:
    rates = traffic["last_minute"]
    lines = [title]
    lines += _row("rate", f"{rates['requests_per_second']:.1f} a second")
    if rates["requests_per_second"]:
        lines += _row("errors", f"{_percent(rates['error_share'])} answered with 500 and above")
        lines += _row("static", f"{_percent(rates['static_share'])} answered without the app")
        lines += _row("app took", _latency(rates["app"]))
        lines += _row("client waited", _latency(rates["client"]))
    lines += _row("slow clients", _slow_clients(traffic))
    lines += _row("in all", f"{_requests(traffic['requests'])} since the start{_statuses(traffic)}")
    return lines


def _slow_clients(traffic: Mapping[str, Any]) -> str:
    """Say what the clients' slowness would have cost, had they been let at the workers."""
    workers = traffic["last_minute"]["slow_client_workers"]
    total_s = traffic["slow_client_s"]
    if total_s < 1 and workers < 0.01:
        return "would have kept no worker busy"
    return f"would have kept {workers:.1f} workers busy; since the start {age(total_s)} of one"


def _statuses(traffic: Mapping[str, Any]) -> str:
    """Name what was answered with an error."""
    failed = {
        status: count
        for status, count in sorted(traffic.get("statuses", {}).items())
        if str(status) >= "500"
    }
    return "".join(f", {count} x {status}" for status, count in failed.items())


def _latency(of: Mapping[str, Any]) -> str:
    if of.get("p50") is None:
        return "nothing was asked"
    return ", ".join(f"{name} {duration(of[name])}" for name in ("p50", "p95", "p99"))


def _connections(now: Mapping[str, Any] | None) -> str | None:
    if now is None:
        return None
    return (
        f"{now['active']} open: {now['writing']} answered, {now['reading']} asking, "
        f"{now['waiting']} idle"
    )


def _in_progress(processes: Sequence[Mapping[str, Any]]) -> str | None:
    workers = [one for one in processes if one.get("requests") is not None]
    if not workers:
        return None
    count = sum(one.get("in_flight", 0) for one in workers)
    doing = [
        (request, one["pid"])
        for one in workers
        for request in one.get("doing", ())
        if not request.get("is_stream")
    ]
    if not count:
        return "nothing"
    if not doing:
        return _requests(count)
    slowest, pid = max(doing, key=lambda pair: float(pair[0]["seconds"]))
    said = f"{count}; the longest: {request_shown(slowest)}, in pid {pid}"
    return said + (f"  [{slowest['id'][:8]}]" if slowest.get("id") else "")


def _requests(count: int) -> str:
    return f"{count} request{'s' * (count != 1)}"


def request_shown(request: Mapping[str, Any]) -> str:
    """Return `GET /report for 12.4 s`."""
    # A URL must not steer a terminal, nor begin a line.
    path = "".join(letter if letter.isprintable() else "?" for letter in str(request["path"]))
    if len(path) > _LONGEST_PATH:
        path = path[: _LONGEST_PATH - 1] + "…"
    return f"{request['method']} {path} for {duration(request['seconds'])}"


def _processes(state: Mapping[str, Any], figures: Mapping[str, Any], now: float) -> list[str]:
    """Return a table: of what the figures tell, or else of what the supervisor has started."""
    rows = [("process", "pid", "state", "code", "age", "memory", "requests", "doing")]
    if figures.get("processes"):
        rows += [_of_figures(one) for one in figures["processes"]]
    else:
        rows += [_of_supervisor(one, now) for one in state.get("processes", ())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    kept = [column for column in range(len(widths)) if any(row[column] for row in rows[1:])]
    return [
        _MARGIN * bool(number)
        + "  ".join(
            f"{row[column]:<{widths[column] + (0 if number or column else 2)}}" for column in kept
        ).rstrip()
        for number, row in enumerate(rows)
    ]


_Row = tuple[str, str, str, str, str, str, str, str]


def _of_figures(one: Mapping[str, Any]) -> _Row:
    title = str(one["title"])
    title = f"{title} worker" if one["role"] == "worker" else title
    if one.get("site"):
        title += f" of {one['site']}"
    doing = [request_shown(request) for request in one.get("doing", ())]
    more = f" (+{one['in_flight'] - 1})" if one.get("in_flight", 0) > 1 else ""
    requests = one.get("requests")
    return (
        title,
        str(one["pid"]),
        str(one.get("state", "")),
        _generation(one),
        age(one["age_s"]),
        f"{one['memory_bytes'] / 2**20:.0f} MB",
        "" if requests is None else str(requests),
        doing[0] + more if doing else "",
    )


def _of_supervisor(one: Mapping[str, Any], now: float) -> _Row:
    since = one.get("since")
    count = len(one.get("workers") or ())
    return (
        str(one.get("title") or one.get("name")),
        str(one.get("pid") or "none"),
        str(one.get("state", "")),
        _generation(one),
        "" if since is None else age(now - float(since)),
        "",
        "",
        f"{count} worker{'s' * (count != 1)}" if count else "",
    )


def _generation(one: Mapping[str, Any]) -> str:
    generation = one.get("generation")
    return "" if generation is None or one.get("title") == "Nginx" else f"gen. {generation}"


def _row(label: str, text: object) -> list[str]:
    return [f"{_MARGIN}{label:<{_LABEL}}{text}"] if text else []


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %" if 0 < share < 0.1 else f"{share * 100:.0f} %"


def duration(seconds: float) -> str:
    """Return `3 ms`, `2.1 s` or what `age` says."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 100 else age(seconds)


def age(seconds: float) -> str:
    """Return `42 s`, `5 min`, `3 h 12 min` or `4 days 2 h`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if hours == 0:
        return f"{minutes} min"
    if days == 0:
        return f"{hours} h {minutes % 60} min"
    return f"{days} day{'s' * (days != 1)} {hours % 24} h"
