"""The ratios of a report as bars: how many times better or worse than plain PostgreSQL. SVG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from math import log10
from typing import Any

from coldstream_bench.words import digits

_LINE, _TEXT, _WIDTH, _AT_MOST = 20, 400, 300, 1000.0
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #333 }
.better { fill: #2f9e5b } .worse { fill: #cf6a4c } .axis { stroke: #8888 }
@media (prefers-color-scheme: dark) { text { fill: #ddd } }
"""


def bars_svg(report: Mapping[str, Any]) -> str | None:
    """Bars of a report's JSON, to the right where Coldstream is better; ``None`` without ratios."""
    rows = [row for row in report["rows"] if row["ratio"] and row["plain"] and not row["chunks"]]
    if not rows:
        return None
    height, width = _LINE * len(rows) + 8, _TEXT + 2 * _WIDTH + 60
    middle = _TEXT + _WIDTH
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" '
            'aria-label="How many times better or worse than plain PostgreSQL, logarithmic">',
            f"<style>{_STYLE}</style>",
            f'<path class="axis" d="M{middle} 0V{height}"/>',
            *(line for number, row in enumerate(rows) for line in _bar(row, number * _LINE + 4)),
            "</svg>",
        ]
    )


def _bar(row: Mapping[str, Any], top: int) -> Iterator[str]:
    better = 1 / row["ratio"] if row["less_is_better"] else row["ratio"]
    share = max(-1.0, min(1.0, log10(better) / log10(_AT_MOST)))
    length = max(1.0, round(abs(share) * _WIDTH, 1))
    middle = _TEXT + _WIDTH
    x = middle if share >= 0 else middle - length
    kind = "better" if share >= 0 else "worse"
    yield f'<text x="{_TEXT - 8}" y="{top + 12}" text-anchor="end">{escape(row["title"])}</text>'
    yield f'<rect class="{kind}" x="{x}" y="{top + 2}" width="{length}" height="12"/>'
    anchor, at = ("start", x + length + 5) if share >= 0 else ("end", x - 5)
    told = escape(f"{digits(row['ratio'])} {row['ratio_is']}")
    yield f'<text x="{at}" y="{top + 12}" text-anchor="{anchor}">{told}</text>'
