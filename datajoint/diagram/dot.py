"""The scene as a DOT graph: the notation in the terms of Graphviz."""

from __future__ import annotations

import html
import math
import re

import graphviz

from datajoint.definition import TableName
from datajoint.diagram.dot_graph import Dot
from datajoint.diagram.palette import (
    FONT,
    NOTE_SIZE,
    POINTS_PER_INCH,
    SHAPES,
    TIER_SIZE,
    Palette,
    palette_for,
    text_width,
)
from datajoint.diagram.scene import Box, Cluster, Link, Scene

_MARGIN = 0.11  # inches beside a label
_ELLIPSE = 1.2  # how much wider an ellipse is than the text in its middle
_FURTHER = 0.08  # how much more for each further line
_TALLER = 1.15  # how much taller an ellipse is than a box with several lines
_NEAR_TOP = 1.6  # and than a text near its top
_LINE = 14.4  # height of a line of a label in points
_ROOM = 22  # what else there is to a box with several lines
_BLANK = re.compile(r"\s+")


def node_id(table: TableName) -> str:
    """Return the id of a table's element in the SVG: ``dj-node-<schema>-<table>``."""
    return _BLANK.sub("_", f"dj-node-{table.schema}-{table.name}")


def dot_name(name: str) -> str:
    """Return the name of a box's node in the DOT text.

    A colon would be read as the start of a port there, and a backslash comes out doubled.
    """
    return _BLANK.sub(" ", name).replace(":", "\N{RATIO}").replace("\\", "\N{SET MINUS}")


def make_dot(
    scene: Scene,
    direction: str,
    theme: str,
    *,
    for_svg: bool = False,
    font: str | None = None,
    dpi: float | None = None,
) -> Dot:
    """Write a scene as a DOT graph.

    Parameters
    ----------
    scene : Scene
    direction : str
        ``LR`` or ``TB``.
    theme : str
        ``dark``, or anything else for light.
    for_svg : bool
        Whether `finish_svg` will finish the drawing: it underlines labels, so that these need not be HTML-like,
        which the engine in WebAssembly cannot read, and sets the labels of clusters for their real width.
    font : str, optional
        By default Helvetica.
    dpi : float, optional
        Pixels per inch, where the engine makes pixels.

    Returns
    -------
    Dot
        Every node and edge stands in the graph itself; clusters and ranks only name the nodes again.
    """
    palette, font = palette_for(theme), font or FONT
    dot = Dot(
        graph_attr={
            "rankdir": direction,
            "fontname": font,
            "fontsize": "12",
            "nodesep": "0.22",
            "ranksep": "0.5",
            "pad": "0.15",
            "newrank": "true",
            **({"dpi": f"{dpi:g}"} if dpi else {}),
            **({"bgcolor": palette.background} if palette.background else {}),
        },
        node_attr={"fontname": font, "fixedsize": "false", "margin": f"{_MARGIN},0.06"},
        edge_attr={"fontname": font, "arrowhead": "none"},
    )
    for box in scene.boxes.values():
        dot.add_node(dot_name(box.name), _box_attributes(box, palette, rich=not for_svg))
    for link in scene.links:
        dot.add_edge(dot_name(link.parent), dot_name(link.child), _link_attributes(link, palette))
    for cluster in scene.clusters:
        _add_cluster(dot, cluster, palette, padded=for_svg)
    return dot


def _quoted(text: str) -> str:
    """Return text that the writer of DOT puts down literally, whatever it contains."""
    literal: str = graphviz.escape(text)
    return literal


def _text(text: str) -> str:
    """Return text for a label, in which Graphviz also reads HTML entities."""
    return _quoted(html.escape(text, quote=False))


def _tooltip(text: str) -> str:
    """Return text for a tooltip; there a backslash would be read twice."""
    return html.escape(text, quote=False).replace("\\", "\\\\").replace("→", "&#8594;")


def _box_attributes(box: Box, palette: Palette, *, rich: bool) -> dict[str, str]:
    shape, paint = SHAPES[box.tier], palette.nodes[box.tier]
    # Wide enough for the widest font that a reader's machine may put in: the picture is laid out before it is known.
    widths = [text_width(box.label, shape.font_size), *(text_width(line, NOTE_SIZE) for line in box.lines)]
    width = max(widths) / POINTS_PER_INCH + 2 * _MARGIN
    height = shape.size
    if box.lines:  # leave room for the tier above the label
        height = max(height, (_LINE * len(widths) + _ROOM) / POINTS_PER_INCH)
    if shape.shape == "ellipse":
        width *= _ELLIPSE + _FURTHER * len(box.lines)
        height *= _TALLER if box.lines else 1
        width = max(width, _NEAR_TOP * text_width(box.tier, TIER_SIZE) / POINTS_PER_INCH)
    attributes = {
        "label": _rich_label(box) if rich and box.new_dimension else _plain_label(box),
        "id": _quoted(node_id(box.table) if box.table else f"dj-schema-{box.schema}"),
        "class": box.tier,
        "shape": shape.shape,
        "style": shape.style,
        "fontsize": str(shape.font_size),
        "width": f"{max(width, shape.size):.2f}",
        "height": f"{height:.3g}",
        "fillcolor": paint.fill,
        "color": palette.alert if box.alerts else paint.stroke,
        "fontcolor": paint.text,
    }
    if box.alerts:
        attributes["penwidth"] = "2.5"
    if box.definition:
        attributes["tooltip"] = _quoted("&#13;".join(map(_tooltip, box.definition)))
    return attributes


def _plain_label(box: Box) -> str:
    return "\\n".join(map(_text, (box.label, *box.lines)))


def _rich_label(box: Box) -> str:
    lines = "".join(f'<br/><font point-size="{NOTE_SIZE}">{html.escape(line)}</font>' for line in box.lines)
    return f"<<u>{html.escape(box.label)}</u>{lines}>"


def _link_attributes(link: Link, palette: Palette) -> dict[str, str]:
    # Several foreign keys that are drawn as one are as thick as they are many, up to a point.
    thick = 2 + min(math.log2(link.count) / 2, 2) if link.bundle else 2
    attributes = {
        "style": "solid" if link.primary else "dashed",
        "penwidth": f"{thick:.3g}" if link.strong else "0.75",
        "weight": "3" if link.strong else "1",
        "color": (palette.renamed_edge if link.renamed else palette.edge) + palette.edge_alpha,
    }
    if link.renamed:
        attributes["tooltip"] = _quoted(_tooltip("; ".join(f"{child} ← {parent}" for child, parent in link.renamed)))
    elif link.count > 1:
        attributes["tooltip"] = f"{link.count} foreign keys"
    return attributes


def _add_cluster(dot: Dot, cluster: Cluster, palette: Palette, *, padded: bool) -> None:
    # Spaces make room for a font wider than the engine reckons with; there is no least width for clusters.
    padding = "\N{NO-BREAK SPACE}" * (3 + len(cluster.label) // 2) if padded else ""
    frame = dot.new_subgraph(
        f"cluster_{cluster.schema}",
        {
            "label": _text(padding + cluster.label),
            "labeljust": "r",
            "labelloc": "t",
            "style": "rounded,dashed",
            "color": palette.frame,
            "fontcolor": palette.frame_label,
            "penwidth": "0.75",
            "margin": "12",
        },
    )
    groups = cluster.groups()
    for box in cluster.boxes:
        if box.name not in groups and box.master is None:
            frame.add_node(dot_name(box.name))
    for master, parts in groups.items():
        frame.add_subgraph(_group(master, parts, palette))
    dot.add_subgraph(frame)


def _group(master: str, parts: list[Box], palette: Palette) -> Dot:
    """Put a master and its parts on a common ground, side by side where the foreign keys allow."""
    group = Dot.new_subgraph(
        f"cluster_entity_{master}",
        {"label": "", "style": "rounded,filled", "fillcolor": palette.group, "color": "transparent", "margin": "8"},
    )
    rank = Dot.new_subgraph(None, {"rank": "same"})
    rank.add_node(dot_name(master))
    for part in parts:
        (rank if part.beside_master else group).add_node(dot_name(part.name))
    group.add_subgraph(rank)
    return group
