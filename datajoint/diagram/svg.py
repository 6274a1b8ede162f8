"""Finish the SVG that an engine drew: names for programs and screen readers, tooltips, fonts, both themes.

All looks are presentation attributes, so that the picture reads well also where style sheets are taken out.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from datajoint.diagram.dot import dot_name
from datajoint.diagram.legend import make_legend
from datajoint.diagram.palette import FONT_STACK, NOTE_SIZE, SVG_CLASS, TIER_SIZE, TOLD_TIERS, Palette, adaptive_css
from datajoint.diagram.scene import Box, Scene

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_TITLE, _GROUP, _TEXT, _ANCHOR, _PATH, _POLYGON = (
    f"{{{_SVG}}}{tag}" for tag in ("title", "g", "text", "a", "path", "polygon")
)
_TIER_RISE = 12.5  # points from the foot of a label up to that of the tier's name
_LABEL_DROP = 1.5  # points that a label gives way to the tier's name
_ABSCISSA = re.compile(r"(-?[\d.]+),")
_LABEL_INSET = 10  # points between a cluster's label and its frame
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'

# Keeps the usual prefixes when the document is written again.
ET.register_namespace("", _SVG)
ET.register_namespace("xlink", _XLINK)


def finish_svg(
    drawn: bytes, scene: Scene, *, adaptive: bool, font: str | None = None, legend: Palette | None = None
) -> str:
    """Return the root element of an engine's drawing, finished, as text.

    Parameters
    ----------
    drawn : bytes
        SVG made from the DOT text of `scene` with plain labels.
    scene : Scene
    adaptive : bool
        Whether to add the style sheet that follows the reader's preference for dark.
    font : str, optional
        To be tried before the usual ones.
    legend : Palette, optional
        Add a legend in these colours.
    """
    root = ET.fromstring(drawn)  # noqa: S314 - the engine wrote it
    root.tail = None
    root.set("class", SVG_CLASS)
    root.set("role", "img")
    root.set("aria-label", scene.title)
    boxes = {dot_name(box.name): box for box in scene.boxes.values()}
    canvas = next(root.iter(_POLYGON)).get("fill", "white")
    for group in list(root.iter(_GROUP)):
        kind = group.get("class", "").partition(" ")[0]
        if kind == "node":
            _finish_node(group, boxes[group.findtext(_TITLE, "")])
        else:
            # Numbers that the engine gives would be found twice on a page with two diagrams.
            group.attrib.pop("id", None)
        if kind == "cluster":
            _finish_cluster(group, canvas)
        _turn_links_into_titles(group)
    _raise_frames(root)
    if legend is not None:
        _add_legend(root, scene, legend)
    for text in root.iter(_TEXT):
        text.set("font-family", f"{font}, {FONT_STACK}" if font else FONT_STACK)
    if adaptive:
        style = ET.Element(f"{{{_SVG}}}style")
        style.text, style.tail, root.text = adaptive_css(), root.text, None
        root.insert(0, style)
    return ET.tostring(root, encoding="unicode")


def as_document(root: str) -> str:
    """Return the text of a root element as that of a whole XML document."""
    return f"{_DECLARATION}{root}\n"


def _finish_node(group: ET.Element, box: Box) -> None:
    group.set("data-schema", box.schema)
    group.set("data-tier", box.tier)
    if box.table is not None:
        group.set("data-table", box.table.name)
    for name, value in (box.status.as_dict() if box.status is not None else {}).items():
        group.set(f"data-{name}", str(value))
    group.set("aria-label", ", ".join((box.title, box.tier, *box.lines)))
    label, *notes = group.iter(_TEXT)
    if box.new_dimension:
        label.set("text-decoration", "underline")
    for note in notes:
        note.set("font-size", f"{NOTE_SIZE:.2f}")
    if box.tier in TOLD_TIERS:
        _tell_tier(group, label, box)


def _tell_tier(group: ET.Element, label: ET.Element, box: Box) -> None:
    """Write the tier above the label, so that it is not told by the colour alone."""
    if not box.lines:
        label.set("y", f"{float(label.get('y', '0')) + _LABEL_DROP:.2f}")
    foot = float(label.get("y", "0")) - _TIER_RISE
    told = ET.Element(_TEXT, {"text-anchor": "middle", "x": label.get("x", "0"), "y": f"{foot:.2f}"})
    told.set("font-size", f"{TIER_SIZE:g}")
    told.set("fill", label.get("fill", "black"))
    told.set("class", "tier")
    told.set("aria-hidden", "true")  # the node's label says it
    told.text = box.tier
    parent = next(parent for parent in group.iter() if label in list(parent))
    parent.append(told)


def _finish_cluster(group: ET.Element, canvas: str) -> None:
    group.set("pointer-events", "none")  # its title is for programs, not for the mouse
    frame, label = group.find(_PATH), group.find(_TEXT)
    if frame is not None and label is not None:
        right = max(float(x) for x in _ABSCISSA.findall(frame.get("d", "")))
        label.text = (label.text or "").strip()
        label.set("text-anchor", "end")
        label.set("x", f"{right - _LABEL_INSET:.2f}")
        frame.set("fill", "none")  # an engine fills it with the colour of the canvas
        halo = ET.Element(_TEXT, {**label.attrib, "fill": canvas, "stroke": canvas, "aria-hidden": "true"})
        halo.attrib |= {"stroke-width": "4", "stroke-linejoin": "round"}
        halo.text = label.text
        group.insert(list(group).index(label), halo)


def _raise_frames(root: ET.Element) -> None:
    """Draw the frames of schemas, which are hollow, after the links, so that these do not cross their labels."""
    for graph in root.findall(_GROUP):
        frames = [g for g in graph if g.get("class") == "cluster" and g.find(_TEXT) is not None]
        for frame in frames:
            graph.remove(frame)
            graph.append(frame)


def _add_legend(root: ET.Element, scene: Scene, palette: Palette) -> None:
    """Put the legend below the picture, on a canvas that grows with it."""
    left, top, width, height = map(float, root.get("viewBox", "").split())
    legend = make_legend(scene, palette, width)
    legend.group.set("transform", f"translate({left:.2f} {top + height:.2f})")
    canvas = root.find(f"{_GROUP}/{_POLYGON}")
    if canvas is not None:
        points = [tuple(map(float, pair.split(","))) for pair in canvas.get("points", "").split()]
        right, bottom = max(x for x, _ in points), max(y for _, y in points)
        grown = (
            (x + legend.width - width if x == right else x, y + legend.height if y == bottom else y) for x, y in points
        )
        canvas.set("points", " ".join(f"{x:.2f},{y:.2f}" for x, y in grown))
    root.append(legend.group)
    width, height = legend.width, height + legend.height
    root.set("viewBox", f"{left:.2f} {top:.2f} {width:.2f} {height:.2f}")
    root.set("width", f"{width:.2f}pt")
    root.set("height", f"{height:.2f}pt")


def _turn_links_into_titles(group: ET.Element) -> None:
    """Make the engine's tooltips, links that lead nowhere, into titles, which every viewer shows."""
    for wrapper in group.findall(_GROUP):
        anchor = wrapper.find(_ANCHOR)
        if anchor is None:
            continue
        wrapper.attrib.clear()
        wrapper[:] = list(anchor)
        title = ET.Element(_TITLE)
        title.text = anchor.get(f"{{{_XLINK}}}title", "").replace("\r", "\n")
        wrapper.insert(0, title)
