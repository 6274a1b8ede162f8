"""The scene as a DOT graph: the notation in the terms of Graphviz."""

from __future__ import annotations

import html
import re

import graphviz

from datajoint.definition import TableName
from datajoint.diagram.palette import FONT, POINTS_PER_INCH, SHAPES, Palette, palette_for, text_width
from datajoint.diagram.scene import Box, Cluster, Link, Scene

_MARGIN = 0.11  # inches beside a label
_ELLIPSE = 1.2  # how much wider an ellipse is than the text in its middle
_BLANK = re.compile(r"\s+")


def node_id(table: TableName) -> str:
    """Return the id of a table's element in the SVG: ``dj-node-<schema>-<table>``."""
    return _BLANK.sub("_", f"dj-node-{table.schema}-{table.name}")


def dot_name(name: str) -> str:
    """Return the name of a box's node in the DOT text.

    A colon would be read as the start of a port there, and a backslash comes out doubled.
    """
    return _BLANK.sub(" ", name).replace(":", "\N{RATIO}").replace("\\", "\N{SET MINUS}")


def make_dot(scene: Scene, direction: str, theme: str, *, for_svg: bool = False) -> graphviz.Digraph:
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

    Returns
    -------
    graphviz.Digraph
        Every node and edge stands in the graph itself; clusters and ranks only name the nodes again.
    """
    palette = palette_for(theme)
    dot = graphviz.Digraph(
        graph_attr={
            "rankdir": direction,
            "fontname": FONT,
            "fontsize": "12",
            "nodesep": "0.22",
            "ranksep": "0.5",
            "pad": "0.15",
            "newrank": "true",
            **({"bgcolor": palette.background} if palette.background else {}),
        },
        node_attr={"fontname": FONT, "fixedsize": "false", "margin": f"{_MARGIN},0.06"},
        edge_attr={"fontname": FONT, "arrowhead": "none"},
    )
    for box in scene.boxes.values():
        dot.node(_quoted(dot_name(box.name)), **_box_attributes(box, palette, rich=not for_svg))
    for link in scene.links:
        dot.edge(_quoted(dot_name(link.parent)), _quoted(dot_name(link.child)), **_link_attributes(link, palette))
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
    width = text_width(box.label, shape.font_size) / POINTS_PER_INCH + 2 * _MARGIN
    if shape.shape == "ellipse":
        width *= _ELLIPSE
    attributes = {
        "label": f"<<u>{html.escape(box.label)}</u>>" if rich and box.new_dimension else _text(box.label),
        "id": _quoted(node_id(box.table) if box.table else f"dj-schema-{box.schema}"),
        "class": box.tier,
        "shape": shape.shape,
        "style": shape.style,
        "fontsize": str(shape.font_size),
        "width": f"{max(width, shape.size):.2f}",
        "height": f"{shape.size:g}",
        "fillcolor": paint.fill,
        "color": paint.stroke,
        "fontcolor": paint.text,
    }
    if box.definition:
        attributes["tooltip"] = _quoted("&#13;".join(map(_tooltip, box.definition)))
    return attributes


def _link_attributes(link: Link, palette: Palette) -> dict[str, str]:
    attributes = {
        "style": "solid" if link.primary else "dashed",
        "penwidth": "2" if link.strong else "0.75",
        "weight": "3" if link.strong else "1",
        "color": (palette.renamed_edge if link.renamed else palette.edge) + palette.edge_alpha,
    }
    if link.renamed:
        attributes["tooltip"] = _quoted(_tooltip("; ".join(f"{child} ← {parent}" for child, parent in link.renamed)))
    return attributes


def _add_cluster(dot: graphviz.Digraph, cluster: Cluster, palette: Palette, *, padded: bool) -> None:
    # Spaces make room for a font wider than the engine reckons with; there is no least width for clusters.
    padding = "\N{NO-BREAK SPACE}" * (3 + len(cluster.label) // 2) if padded else ""
    with dot.subgraph(name=_quoted(f"cluster_{cluster.schema}")) as frame:
        frame.attr(
            label=_text(padding + cluster.label),
            labeljust="r",
            labelloc="t",
            style="rounded,dashed",
            color=palette.frame,
            fontcolor=palette.frame_label,
            penwidth="0.75",
            margin="12",
        )
        groups = cluster.groups()
        for box in cluster.boxes:
            if box.name not in groups and box.master is None:
                frame.node(_quoted(dot_name(box.name)))
        for master, parts in groups.items():
            _add_group(frame, master, parts, palette)


def _add_group(frame: graphviz.Digraph, master: str, parts: list[Box], palette: Palette) -> None:
    """Put a master and its parts on a common ground, side by side where the foreign keys allow."""
    with frame.subgraph(name=_quoted(f"cluster_entity_{master}")) as group:
        group.attr(label="", style="rounded,filled", fillcolor=palette.group, color="transparent", margin="8")
        with group.subgraph() as rank:
            rank.attr(rank="same")
            rank.node(_quoted(dot_name(master)))
            for part in parts:
                if part.beside_master:
                    rank.node(_quoted(dot_name(part.name)))
        for part in parts:
            if not part.beside_master:
                group.node(_quoted(dot_name(part.name)))
