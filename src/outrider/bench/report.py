"""The report: one HTML file with its plots inside, which needs nothing else to be read."""

from __future__ import annotations

import importlib.util
import io
import math
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from outrider.bench.measurement import PHASES, ROWS, notes, verdict
from outrider.bench.stream import LIMIT_S
from outrider.render.artifact import Artifact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from outrider.bench.measurement import Measurement

MARK = "<!-- outrider bench -->"
"""The first line, by which a report that may be replaced is known."""
_ANSWERED, _FAILED, _SLOW = "#1f5fa8", "#c62828", "#9a9a9a"
_MOST_DOTS = 3000
"""Above this, dots are drawn as a picture within the plot: the file stays small."""


def can_draw() -> bool:
    """Tell whether Matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def report(
    name: str, measurements: Sequence[Measurement], conditions: Mapping[str, Any]
) -> Artifact:
    """Return the report as a file.

    Args:
        name: of the file.
        measurements: one for each site.
        conditions: what was measured, when, and on what.
    """
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("outrider", "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = templates.get_template("bench.html.j2").render(
        measurements=measurements,
        conditions=conditions,
        phases=PHASES,
        rows=ROWS,
        notes=notes,
        verdict=verdict,
        limit_s=LIMIT_S,
        plot=Markup(plot(measurements)),  # noqa: S704 - made by Matplotlib from numbers
    )
    return Artifact(path=name, content=f"{MARK}\n{page}")


def plot(measurements: Sequence[Measurement]) -> str:
    """Draw each site's latencies and slow clients over time, on the same scales."""
    import matplotlib as mpl  # noqa: PLC0415 - of the extra `bench`
    from matplotlib.figure import Figure  # noqa: PLC0415

    style: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": "outrider",
        "font.family": "sans-serif",
        "font.size": 10,
        "axes.spines.top": False,
        "figure.constrained_layout.hspace": 0.1,
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=(9, 3.3 * len(measurements)), layout="constrained")
        panels = figure.subplots(len(measurements), 1, sharex=True, sharey=True, squeeze=False)
        for (panel,), one in zip(panels, measurements, strict=True):
            _draw(panel, one)
        panels[-1][0].set_xlabel("seconds from the beginning")
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None})
    svg = drawn.getvalue()
    return svg[svg.index("<svg") :]


def _draw(panel: Any, one: Measurement) -> None:
    schedule = one.schedule
    slow = panel.twinx()
    slow.fill_between(
        [0, *(reading.at_s for reading in one.readings)],
        [0, *(reading.held for reading in one.readings)],
        color=_SLOW, alpha=0.28, linewidth=0,
    )  # fmt: skip
    slow.set_ylim(0, max(1, one.clients) * 1.6)
    slow.set_yticks([0, one.clients // 2, one.clients])
    slow.set_ylabel("slow clients held", color="#6a6a6a", loc="bottom")
    slow.tick_params(colors="#6a6a6a")
    panel.set_zorder(slow.get_zorder() + 1)
    panel.patch.set_visible(False)

    answered = [sample for sample in one.samples if not sample.failure]
    failed = [sample for sample in one.samples if sample.failure]
    is_picture = len(one.samples) > _MOST_DOTS
    panel.scatter(
        [sample.due_s for sample in answered],
        [max(0.5, sample.latency_s * 1000) for sample in answered],
        s=9, color=_ANSWERED, linewidths=0, alpha=0.75, rasterized=is_picture,
    )  # fmt: skip
    top = LIMIT_S * 1000
    panel.scatter(
        [sample.due_s for sample in failed],
        [top for _ in failed],
        s=22, marker="x", color=_FAILED, linewidths=1.1, rasterized=is_picture,
    )  # fmt: skip
    if failed:
        panel.annotate(
            f"{len(failed)} failed", (failed[0].due_s, top), xytext=(0, 6),
            textcoords="offset points", va="bottom", color=_FAILED, weight="bold",
        )  # fmt: skip
    panel.set_yscale("log")
    panel.set_ylim(0.5, top * 5)
    panel.set_yticks([1, 10, 100, 1000, 5000], ["1 ms", "10 ms", "100 ms", "1 s", f"{LIMIT_S:g} s"])
    panel.minorticks_off()
    panel.set_xlim(0, math.ceil(schedule.end_s))
    panel.grid(axis="y", color="#dddddd", linewidth=0.6)
    panel.set_ylabel("a visitor's wait")
    panel.set_title(f"{one.name}: {one.detail}", loc="left", fontsize=11)
