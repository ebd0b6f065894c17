"""The distribution of scores as a picture: true pairs above the line, other pairs below, counts by their logarithm."""

from __future__ import annotations

import math
from typing import Final

WIDTH: Final = 720
_HALF: Final = 140
_MARGIN: Final = 50
_NAMED: Final = 'aria-labelledby="chart-title chart-text" font-family="Arial, sans-serif"'
_BELOW: Final = "below: other pairs (bars grow with the logarithm)"


def score_chart(scores: tuple[tuple[float, int, int], ...], title: str) -> str:
    """SVG of bars by score; the same numbers stand in its description for who does not see it."""
    most = max((max(right, wrong) for _low, right, wrong in scores), default=1)
    step = (WIDTH - 2 * _MARGIN) / max(1, len(scores))
    middle = _HALF + 40
    bars = [
        bar
        for place, (low, right, wrong) in enumerate(scores)
        for bar in (
            _bar(
                _MARGIN + place * step,
                step,
                middle,
                -_height(right, most),
                told=f"{right:,} true pairs from {low:g}",
                colour="#005eb8",
            ),
            _bar(
                _MARGIN + place * step,
                step,
                middle,
                _height(wrong, most),
                told=f"{wrong:,} other pairs from {low:g}",
                colour="#d5281b",
            ),
        )
    ]
    labels = [
        f'<text x="{_MARGIN + place * step:.1f}" y="{middle + _HALF + 18}" font-size="12">{low:g}</text>'
        for place, (low, _right, _wrong) in enumerate(scores)
        if place % max(1, len(scores) // 10) == 0
    ]
    told = "; ".join(f"from {low:g}: {right} true, {wrong} other" for low, right, wrong in scores)
    height = middle + _HALF + 40
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" {_NAMED}>',
            f'<title id="chart-title">{_safe(title)}</title>',
            f'<desc id="chart-text">{told}</desc>',
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            f'<text x="{_MARGIN}" y="24" font-size="16">{_safe(title)}</text>',
            f'<text x="{_MARGIN}" y="44" font-size="12" fill="#005eb8">above: true pairs</text>',
            f'<text x="{_MARGIN + 140}" y="44" font-size="12" fill="#d5281b">{_BELOW}</text>',
            *bars,
            f'<line x1="{_MARGIN}" x2="{WIDTH - _MARGIN}" y1="{middle}" y2="{middle}" stroke="#212b32"/>',
            *labels,
            "</svg>",
            "",
        ]
    )


def _height(number: int, most: int) -> float:
    return (_HALF - 20) * math.log1p(number) / math.log1p(max(1, most))


def _bar(x: float, step: float, middle: int, height: float, *, told: str, colour: str) -> str:
    if not height:
        return ""
    top = middle + min(height, 0)
    return (
        f'<rect x="{x + 1:.1f}" y="{top:.1f}" width="{max(1.0, step - 2):.1f}" height="{abs(height):.1f}" '
        f'fill="{colour}"><title>{told}</title></rect>'
    )


def _safe(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
