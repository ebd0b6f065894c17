"""The picture of the four formats: one invented record as it stands in each of them.

Drawn with presentation attributes only, so that the strictest content security
policy shows it as it is. Stacked, so that it can be read on a narrow screen.
"""

from __future__ import annotations

from caldicott.publication.document import Picture

_WIDTH, _PANEL, _GAP, _TOP = 360, 110, 34, 8
_PANELS: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    (
        "1. It says who you are",
        "#d5281b",
        ("Ann Example, NHS number 999 000 0018", "Born 4 May 1950, postcode ZZ99 3AA", "New hip on 3 March 2026"),
        "name and number go, a code comes in",
    ),
    (
        "2. With a code in place of your name",
        "#ed8b00",
        ("Code C-7QX2-M4KD", "Born 1950, postcode ZZ99", "New hip on 3 March 2026"),
        "the code goes, and all that is exact",
    ),
    (
        "3. Nothing says who you are",
        "#005eb8",
        ("No name, no number, no code", "Aged 75 to 79", "New hip in 2026"),
        "people are counted",
    ),
    (
        "4. Counts of people",
        "#007f3b",
        ("Aged 75 to 79, new hip in 2026:", "120 people", "Counts that are too small are hidden"),
        "",
    ),
)
SAYS = (
    "The same record four times. First it says who the person is: Ann Example, an NHS number, a full date of birth and "
    "a postcode, and a new hip on 3 March 2026. Then a code stands in place of the name and number, with only the year "
    "of birth and half the postcode. Then the code is gone, and it says only aged 75 to 79 and a new hip in 2026. Last "
    "it is a count: 120 people aged 75 to 79 had a new hip in 2026. The person is invented."
)


def picture() -> Picture:
    return Picture("four-formats.svg", _svg(), says=SAYS, caption="One record in four forms. The person is invented.")


def _svg() -> str:
    height = _TOP + len(_PANELS) * _PANEL + (len(_PANELS) - 1) * _GAP + _TOP
    drawn = "".join(_panel(number, *panel) for number, panel in enumerate(_PANELS))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        'aria-labelledby="four-formats-title four-formats-desc" font-family="Arial, sans-serif">'
        '<title id="four-formats-title">One record in four forms</title>'
        f'<desc id="four-formats-desc">{SAYS}</desc>{drawn}</svg>'
    )


def _panel(number: int, heading: str, colour: str, lines: tuple[str, ...], then: str) -> str:
    top = _TOP + number * (_PANEL + _GAP)
    frame = (
        f'<rect x="4" y="{top}" width="{_WIDTH - 8}" height="{_PANEL}" rx="6" fill="#ffffff" stroke="{colour}" '
        f'stroke-width="3"/><rect x="4" y="{top}" width="10" height="{_PANEL}" fill="{colour}"/>'
    )
    title = f'<text x="28" y="{top + 29}" font-size="17" font-weight="700" fill="#212b32">{heading}</text>'
    return frame + title + _lines(lines, top) + (_arrow(then, top + _PANEL) if then else "")


def _lines(lines: tuple[str, ...], top: int) -> str:
    return "".join(
        f'<text x="28" y="{top + 53 + 21 * place}" font-size="15" fill="#212b32">{line}</text>'
        for place, line in enumerate(lines)
    )


def _arrow(then: str, top: int) -> str:
    return (
        f'<path d="M36 {top + 5} v16 h-6 l10 11 l10 -11 h-6 v-16 z" fill="#4c6272"/>'
        f'<text x="62" y="{top + 22}" font-size="14" fill="#212b32">{then}</text>'
    )
