"""Colours, shapes and sizes of the notation: one light and one dark palette.

Every text has a contrast of at least 4.5:1 to its fill, and every light colour stands for exactly one dark colour
as a fill and one as a stroke, so that a style sheet can turn a light picture into a dark one.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal, NamedTuple

Tier = Literal["manual", "lookup", "imported", "computed", "part", "other", "collapsed"]

FONT = "Helvetica"
FONT_STACK = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
POINTS_PER_INCH = 72
NOTE_SIZE = 9
"""Font size of what stands below a label, in points."""
TIER_SIZE = 6.5
"""Font size of the tier that stands above a label where shapes do not tell it, in points."""
TOLD_TIERS: frozenset[Tier] = frozenset({"manual", "lookup", "imported", "computed"})
"""Tiers whose shape another tier has too, so that only the colour would tell them apart."""


class Paint(NamedTuple):
    """Colours of a kind of node."""

    fill: str
    stroke: str
    text: str


class Shape(NamedTuple):
    """Outline of a kind of node; `font_size` in points, `size` (least width and height) in inches."""

    shape: str
    style: str
    font_size: int
    size: float


@dataclass(frozen=True, slots=True)
class Palette:
    """All colours of a theme; `edge_alpha` is two hexadecimal digits."""

    nodes: dict[Tier, Paint]
    edge: str
    renamed_edge: str
    edge_alpha: str
    frame: str
    frame_label: str
    group: str
    alert: str
    background: str | None


SHAPES: dict[Tier, Shape] = {
    "manual": Shape("box", "rounded,filled", 12, 0.48),
    "lookup": Shape("box", "rounded,filled", 12, 0.48),
    "imported": Shape("ellipse", "filled", 12, 0.48),
    "computed": Shape("ellipse", "filled", 12, 0.48),
    "part": Shape("box", "rounded,filled", 10, 0.12),
    "other": Shape("circle", "filled", 10, 0.48),
    "collapsed": Shape("box3d", "filled", 12, 0.6),
}

LIGHT = Palette(
    nodes={
        "manual": Paint("#E8F0E9", "#3E7A52", "#28513A"),
        "lookup": Paint("#F0F0F1", "#808285", "#5A5C5F"),
        "computed": Paint("#FFEDE5", "#FF5113", "#B23200"),
        "imported": Paint("#E0F4FC", "#00A0DF", "#00537A"),
        "part": Paint("#FFFFFF", "#B9BBBE", "#55585C"),
        "other": Paint("#FFFDE7", "#C9BC5B", "#6B6420"),
        "collapsed": Paint("#EDEEF0", "#808890", "#404040"),
    },
    edge="#171C39",
    renamed_edge="#C77D3A",
    edge_alpha="9E",
    frame="#171D3A",
    frame_label="#171C39",
    group="#F3F5F8",
    alert="#B3261E",
    background=None,
)

DARK = Palette(
    nodes={
        "manual": Paint("#16281F", "#6BBF94", "#BCE6CF"),
        "lookup": Paint("#242832", "#9DA0A4", "#C9CFD9"),
        "computed": Paint("#331B12", "#FF7A47", "#FFC7AE"),
        "imported": Paint("#0F2433", "#33B8E8", "#BEE7F9"),
        "part": Paint("#1E232C", "#8F959D", "#C8CED8"),
        "other": Paint("#3A3620", "#C9BC5B", "#EBE3A0"),
        "collapsed": Paint("#242730", "#8890A0", "#C7CDD6"),
    },
    edge="#AEB6C2",
    renamed_edge="#D68C4A",
    edge_alpha="C0",
    frame="#606875",
    frame_label="#8A93A1",
    group="#2A313D",
    alert="#FF897D",
    background="#161A21",
)


SVG_CLASS = "dj-diagram"


def palette_for(theme: str) -> Palette:
    """Return the palette of a theme; anything but ``dark`` is drawn light."""
    return DARK if theme == "dark" else LIGHT


def adaptive_css() -> str:
    """Return the style sheet that turns a picture drawn light into the dark one where the reader prefers dark.

    The picture brings its canvas along in both: the page around it may be of the other kind. The rules reach only
    elements of class `SVG_CLASS`, since some pages take the picture in among others.
    """
    canvas = f"svg.{SVG_CLASS} {{ background-color: white; border-radius: 6px; }}\n"
    return canvas + "@media (prefers-color-scheme: dark) {\n" + "".join(f"  {rule}\n" for rule in dark_rules()) + "}"


def dark_rules(within: str = "") -> list[str]:
    """Return the CSS rules that turn a picture drawn light into the dark one.

    Parameters
    ----------
    within : str
        Selector of elements inside which they hold, with a blank at its end; everywhere by default.
    """
    fills: dict[str, str] = {LIGHT.group: DARK.group, LIGHT.frame_label: DARK.frame_label}
    strokes: dict[str, str] = {LIGHT.frame: DARK.frame, LIGHT.alert: DARK.alert}
    for tier, light in LIGHT.nodes.items():
        dark = DARK.nodes[tier]
        fills |= {light.fill: dark.fill, light.text: dark.text}
        strokes[light.stroke] = dark.stroke
    own = f"{within}.{SVG_CLASS}"
    rules = [
        f"{within}svg.{SVG_CLASS} {{ background-color: {DARK.background}; }}",
        f'{own} polygon[fill="white"] {{ fill: {DARK.background}; }}',
        f'{own} text[stroke="white"] {{ fill: {DARK.background}; stroke: {DARK.background}; }}',
        *(f'{own} [fill="{light.lower()}"] {{ fill: {dark}; }}' for light, dark in fills.items()),
        *(f'{own} [stroke="{light.lower()}"] {{ stroke: {dark}; }}' for light, dark in strokes.items()),
    ]
    opacity = round(int(DARK.edge_alpha, 16) / 255, 3)
    for light_edge, dark_edge in ((LIGHT.edge, DARK.edge), (LIGHT.renamed_edge, DARK.renamed_edge)):
        rules.append(f'{own} [stroke="{light_edge.lower()}"] {{ stroke: {dark_edge}; stroke-opacity: {opacity}; }}')
    return rules


# Advance widths, in units of the font size, of the widest common replacement for Helvetica (DejaVu Sans, Verdana).
_NARROW = frozenset(" !'(),-./:;IJ[\\]fijlrt|")
_BROAD = frozenset('#+<=>~^w&OQGDNHU_"')
_BROADEST = frozenset("@%mMW")


def text_width(text: str, font_size: float) -> float:
    """Return how wide `text` may become in points, whatever sans-serif font the reader's machine has."""
    return font_size * sum(map(_advance, text))


def _advance(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    if character in _NARROW:
        return 0.41
    if character in _BROADEST:
        return 1.0
    if character in _BROAD:
        return 0.84
    if not character.isascii():
        return 1.1
    return 0.72 if character.isupper() else 0.64
