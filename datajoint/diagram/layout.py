"""Lay out a scene so that everything in it is drawn: engines lose links in crowded pictures, and say so to nobody."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from xml.etree import ElementTree as ET

from datajoint.diagram.dot import dot_name, make_dot
from datajoint.diagram.render import draw
from datajoint.diagram.scene import Scene
from datajoint.logging import logger

_GROUP = "{http://www.w3.org/2000/svg}g"
_TITLE = "{http://www.w3.org/2000/svg}title"
_EDGE = b'class="edge"'


def lay_out(scene: Scene, direction: str, theme: str) -> bytes:
    """Return the SVG that the engine draws of a scene, with all its links.

    The links that get lost are those between a master and parts beside it. Where one is, the parts of that master are
    put below it; if that is not enough, all links are drawn straight, which always succeeds.

    Parameters
    ----------
    scene : Scene
    direction : str
        ``LR`` or ``TB``.
    theme : str

    Raises
    ------
    NoEngineError
        If no engine is installed.
    """
    drawn = _drawn(scene, direction, theme)
    if drawn.count(_EDGE) == len(scene.links):
        return drawn
    masters = _masters_of_lost(drawn, scene)
    logger.debug("Laid out again, with the parts of %s below them", ", ".join(sorted(map(str, masters))))
    for parted in (masters, {box.master for box in scene.boxes.values()}):
        drawn = _drawn(_with_parts_below(scene, parted), direction, theme)
        if drawn.count(_EDGE) == len(scene.links):
            return drawn
    return _drawn(scene, direction, theme, straight=True)


def _drawn(scene: Scene, direction: str, theme: str, *, straight: bool = False) -> bytes:
    dot = make_dot(scene, direction, theme, for_svg=True)
    if straight:
        dot.graph_attr["splines"] = "line"
    return draw(dot.source, "svg")


def _masters_of_lost(drawn: bytes, scene: Scene) -> set[str | None]:
    """Return the masters between which and their parts a link is missing."""
    root = ET.fromstring(drawn)  # noqa: S314 - the engine wrote it
    titles = Counter(group.findtext(_TITLE) for group in root.iter(_GROUP) if group.get("class") == "edge")
    boxes = scene.boxes
    wanted = Counter((link.parent, link.child) for link in scene.links)
    return {
        boxes[child].master
        for (parent, child), count in wanted.items()
        if titles[f"{dot_name(parent)}->{dot_name(child)}"] < count
    }


def _with_parts_below(scene: Scene, masters: set[str | None]) -> Scene:
    clusters = (
        replace(c, boxes=tuple(replace(b, beside_master=b.beside_master and b.master not in masters) for b in c.boxes))
        for c in scene.clusters
    )
    return Scene(tuple(clusters), scene.links)
