"""The legend of a picture: what is in it of shapes and lines, and what that means; drawn below it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree as ET

from datajoint.diagram.palette import FONT_STACK, SHAPES, Palette, Tier, text_width
from datajoint.diagram.scene import TIER_NAMES, Scene

_SVG = "http://www.w3.org/2000/svg"
_FONT_SIZE = 10
_SAMPLE_WIDTH, _SAMPLE_HEIGHT = 26, 14  # points
_LINE_HEIGHT = 22
_GAP = 6  # between a sample and its text
_SPACE = 18  # between entries
_MARGIN = 11
_LEAST_WIDTH = 420  # of a line, also below a small picture


class Entry(NamedTuple):
    """A sample and its meaning."""

    sample: ET.Element
    text: str
    underlined: bool = False

    @property
    def width(self) -> float:
        """Width in points."""
        return _SAMPLE_WIDTH + _GAP + text_width(self.text, _FONT_SIZE)


class Legend(NamedTuple):
    """A group to be put below a picture, and its size in points."""

    group: ET.Element
    width: float
    height: float


def make_legend(scene: Scene, palette: Palette, width: float) -> Legend:
    """Return the legend of what a scene shows, in lines about as wide as the picture.

    Parameters
    ----------
    scene : Scene
    palette : Palette
    width : float
        Of the picture, in points.
    """
    limit = max(width, _LEAST_WIDTH) - _MARGIN
    group = ET.Element(_tag("g"), {"class": "legend", "role": "list", "aria-label": "Legend"})
    x, y, widest = float(_MARGIN), _LINE_HEIGHT / 2, 0.0
    for entry in _entries(scene, palette):
        if x > _MARGIN and x + entry.width > limit:
            x, y = float(_MARGIN), y + _LINE_HEIGHT
        group.append(_drawn(entry, x, y, palette))
        widest = max(widest, x + entry.width + _MARGIN)
        x += entry.width + _SPACE
    return Legend(group, max(width, widest), y + _LINE_HEIGHT / 2 + _MARGIN / 2)


def _entries(scene: Scene, palette: Palette) -> Iterator[Entry]:
    used = {box.tier for box in scene.boxes.values()}
    yield from (Entry(_shape(tier, palette), TIER_NAMES[tier]) for tier in SHAPES if tier in used)
    if any(box.new_dimension for box in scene.boxes.values()):
        yield Entry(_line(palette.frame_label, 0.75, flat=True), "has key attributes of its own", underlined=True)
    if any(cluster.groups() for cluster in scene.clusters):
        yield Entry(_box(palette.group, "none"), "master and parts")
    plain = [link for link in scene.links if not link.bundle]
    if any(link.strong for link in plain):
        yield Entry(_line(palette.edge, 2), "one to one")
    if any(not link.strong for link in plain):
        yield Entry(_line(palette.edge, 0.75), "one to many")
    if any(not link.primary for link in scene.links):
        yield Entry(_line(palette.edge, 0.75, dashes="5,2"), "outside the key")
    if any(link.renamed for link in scene.links):
        yield Entry(_line(palette.renamed_edge, 0.75), "renamed")
    if any(link.bundle for link in scene.links):
        yield Entry(_line(palette.edge, 3), "foreign keys between schemas")
    if any(box.alerts for box in scene.boxes.values()):
        yield Entry(_box("none", palette.alert, 2.5), "needs attention (✕ failed, ≠ definition)")


def _drawn(entry: Entry, x: float, y: float, palette: Palette) -> ET.Element:
    group = ET.Element(_tag("g"), {"transform": f"translate({x:.2f} {y:.2f})", "role": "listitem"})
    group.append(entry.sample)
    attributes = {
        "x": f"{_SAMPLE_WIDTH + _GAP}",
        "y": f"{_FONT_SIZE * 0.35:.2f}",
        "font-family": FONT_STACK,
        "font-size": f"{_FONT_SIZE}",
        "fill": palette.frame_label.lower(),
    }
    text = ET.SubElement(group, _tag("text"), attributes)
    text.text = entry.text
    return group


def _shape(tier: Tier, palette: Palette) -> ET.Element:
    paint = palette.nodes[tier]
    if SHAPES[tier].shape in {"ellipse", "circle"}:
        radius = _SAMPLE_WIDTH / 2 if SHAPES[tier].shape == "ellipse" else _SAMPLE_HEIGHT / 2
        attributes = {"cx": f"{_SAMPLE_WIDTH / 2}", "cy": "0", "rx": f"{radius}", "ry": f"{_SAMPLE_HEIGHT / 2}"}
        return ET.Element(_tag("ellipse"), attributes | {"fill": paint.fill.lower(), "stroke": paint.stroke.lower()})
    return _box(paint.fill, paint.stroke, round=0 if tier == "collapsed" else 4)


def _box(fill: str, stroke: str, width: float = 1, *, round: float = 4) -> ET.Element:  # noqa: A002 - as in "round corners"
    attributes = {
        "x": "0",
        "y": f"{-_SAMPLE_HEIGHT / 2}",
        "width": f"{_SAMPLE_WIDTH}",
        "height": f"{_SAMPLE_HEIGHT}",
        "rx": f"{round}",
        "fill": fill.lower(),
        "stroke": stroke.lower(),
        "stroke-width": f"{width:g}",
    }
    return ET.Element(_tag("rect"), attributes)


def _line(color: str, width: float, *, dashes: str | None = None, flat: bool = False) -> ET.Element:
    y = _FONT_SIZE / 2 if flat else 0
    attributes = {"d": f"M0,{y:g}L{_SAMPLE_WIDTH},{y:g}", "fill": "none", "stroke": color.lower()}
    attributes["stroke-width"] = f"{width:g}"
    if dashes:
        attributes["stroke-dasharray"] = dashes
    return ET.Element(_tag("path"), attributes)


def _tag(name: str) -> str:
    return f"{{{_SVG}}}{name}"
