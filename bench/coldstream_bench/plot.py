"""The growth plot: what calls cost as chunks are added. SVG.

It stands alone, loads nothing, and is drawn for light and dark backgrounds: lines differ in dashes
and marks too, not in colour only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from math import ceil, floor, log10
from typing import Any

from coldstream_bench.words import digits

# The calls that are drawn, in this order, where they were measured.
PANELS = (
    "growth.write",
    "growth.short_middle.hot",
    "growth.category_middle.hot",
    "growth.version.warm",
    "growth.short_middle.warm",
    "growth.category_middle.warm",
)
_NAMES = {"coldstream": "Coldstream", "seed": "hypertable without heads", "plain": "PostgreSQL"}
_WIDTH, _HEIGHT = 300, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 30, 34
_HEAD = 40
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #333 }
.small { font-size: 11px; fill: #666 }
.title { font-weight: 600 }
.grid { stroke: #8888; stroke-width: .5 }
.line { fill: none; stroke-width: 2 }
.coldstream { stroke: #1f78d1; fill: #1f78d1 }
.seed { stroke: #d9731a; fill: #d9731a; stroke-dasharray: 7 3 }
.plain { stroke: #868b94; fill: #868b94; stroke-dasharray: 2 3 }
.line.coldstream, .line.seed, .line.plain { fill: none }
.mark { stroke-dasharray: none }
@media (prefers-color-scheme: dark) {
  text { fill: #ddd } .small { fill: #aaa }
  .coldstream { stroke: #58a6ff; fill: #58a6ff }
  .seed { stroke: #f0964b; fill: #f0964b }
}
"""


def growth_svg(report: Mapping[str, Any]) -> str | None:
    """The plot of a report's JSON; ``None`` where growth was not measured."""
    rows = {row["key"]: row for row in report["rows"] if row["series"]}
    panels = [rows[key] for key in PANELS if key in rows]
    if not panels:
        return None
    across = min(3, len(panels))
    width = across * _WIDTH
    height = _HEAD + ceil(len(panels) / across) * _HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{_label(panels)}">',
        f"<style>{_STYLE}</style>",
        *_legend(),
    ]
    for number, row in enumerate(panels):
        x, y = number % across * _WIDTH, _HEAD + number // across * _HEIGHT
        parts.append(f'<g transform="translate({x} {y})">')
        parts.extend(_panel(row))
        parts.append("</g>")
    parts.append("</svg>\n")
    return "\n".join(parts)


def _label(panels: Sequence[Mapping[str, Any]]) -> str:
    calls = ", ".join(row["title"] for row in panels)
    return escape(f"Milliseconds a call by number of chunks, both axes logarithmic: {calls}", True)


def _legend() -> Iterator[str]:
    x = _LEFT
    for name, title in _NAMES.items():
        yield f'<path class="line {name}" d="M{x} 18h28"/>'
        yield _mark(name, x + 14, 18)
        yield f'<text x="{x + 34}" y="22">{escape(title)}</text>'
        x += 60 + 7 * len(title)
    yield f'<text class="small" x="{x}" y="22">milliseconds a call, by number of chunks</text>'


def _panel(row: Mapping[str, Any]) -> Iterator[str]:
    series: Mapping[str, Sequence[float]] = row["series"]
    chunks: Sequence[int] = row["chunks"]
    values = [value for name in _NAMES for value in series[name] if value > 0]
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    high = max(high, low + 1)
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM

    def x(count: int) -> float:
        span = log10(chunks[-1] / chunks[0]) or 1.0
        return round(_LEFT + (right - _LEFT) * log10(count / chunks[0]) / span, 1)

    def y(value: float) -> float:
        share = (log10(max(value, 10**low)) - low) / (high - low)
        return round(bottom - (bottom - _TOP) * share, 1)

    yield f'<text class="title" x="{_LEFT}" y="16">{escape(row["title"])}</text>'
    for power in range(low, high + 1):
        yield f'<path class="grid" d="M{_LEFT} {y(10**power)}H{right}"/>'
        yield (
            f'<text class="small" x="{_LEFT - 6}" y="{y(10**power) + 4}" text-anchor="end">'
            f"{10**power:g}</text>"
        )
    for count in chunks:
        yield (
            f'<text class="small" x="{x(count)}" y="{bottom + 16}" text-anchor="middle">'
            f"{count:,}</text>"
        )
    for name in reversed(_NAMES):
        points = [(x(count), y(value)) for count, value in zip(chunks, series[name], strict=True)]
        path = "L".join(f"{a} {b}" for a, b in points)
        yield f'<path class="line {name}" d="M{path}"/>'
        for (a, b), count, value in zip(points, chunks, series[name], strict=True):
            told = escape(f"{_NAMES[name]}, {count:,} chunks: {digits(value)} ms")
            yield _mark(name, a, b, told)


def _mark(name: str, x: float, y: float, told: str = "") -> str:
    shape = {
        "coldstream": f"M{x - 3.5} {y}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z",
        "seed": f"M{x - 3.5} {y - 3.5}h7v7h-7z",
        "plain": f"M{x} {y - 4}l4 7h-8z",
    }[name]
    title = f"<title>{told}</title>" if told else ""
    return f'<path class="mark {name}" d="{shape}">{title}</path>'
