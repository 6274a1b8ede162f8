"""The scene as a Mermaid flowchart."""

from __future__ import annotations

import re

from datajoint.diagram.palette import LIGHT, Tier
from datajoint.diagram.scene import Box, Cluster, Scene

_TIERS: tuple[Tier, ...] = ("manual", "lookup", "computed", "imported", "part", "other", "collapsed")
_BRACKETS: dict[Tier, tuple[str, str]] = {
    "computed": ("([", "])"),
    "imported": ("([", "])"),
    "other": ("((", "))"),
    "collapsed": ("[[", "]]"),
}
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.]*")
_NO_IDENTIFIER = re.compile(r"[^A-Za-z0-9_]+")
_SPECIAL = re.compile(r"[^\w .,:()/+*=-]")
_RESERVED = frozenset(
    {"end", "graph", "subgraph", "flowchart", "style", "linkstyle", "class", "classdef", "click", "default"}
)


def make_mermaid(scene: Scene, direction: str) -> str:
    """Write a scene as a Mermaid flowchart in the light palette.

    Parameters
    ----------
    scene : Scene
    direction : str
        ``LR`` or ``TB``.
    """
    identifiers = _Identifiers()
    names = {box.name: identifiers.new(box.name) for box in scene.boxes.values()}
    lines = [f"flowchart {direction}", "", *map(_class_definition, _TIERS), ""]
    for cluster in scene.clusters:
        lines += _cluster(cluster, names, identifiers)
    lines.append("")
    lines += [f"    {names[link.parent]} --> {names[link.child]}" for link in scene.links]
    for number, link in enumerate(scene.links):
        color = LIGHT.renamed_edge if link.renamed else LIGHT.edge
        lines.append(f"    linkStyle {number} stroke:{color},stroke-width:{2 if link.strong else 1}px")
    return "\n".join(lines).rstrip()


class _Identifiers:
    """Gives names that Mermaid can read, each once."""

    def __init__(self) -> None:
        self._taken: set[str] = set(_RESERVED)

    def new(self, name: str) -> str:
        stem = _NO_IDENTIFIER.sub("_", name).strip("_") or "x"
        identifier, number = stem, 1
        while identifier.lower() in _RESERVED or identifier in self._taken:
            number += 1
            identifier = f"{stem}_{number}"
        self._taken.add(identifier)
        return identifier


def _class_definition(tier: Tier) -> str:
    paint = LIGHT.nodes[tier]
    return f"    classDef {tier} fill:{paint.fill},stroke:{paint.stroke},color:{paint.text}"


def _cluster(cluster: Cluster, names: dict[str, str], identifiers: _Identifiers) -> list[str]:
    lines = [f"    subgraph {identifiers.new(cluster.schema)}[{_quoted(cluster.label)}]"]
    groups = cluster.groups()
    by_name = {box.name: box for box in cluster.boxes}
    for box in cluster.boxes:
        if box.name in groups:
            lines.append(f'        subgraph {identifiers.new(f"entity_{names[box.name]}")}[" "]')
            lines += [f"            {_box(member, names)}" for member in (by_name[box.name], *groups[box.name])]
            lines.append("        end")
        elif box.master is None:
            lines.append(f"        {_box(box, names)}")
    return [*lines, "    end"]


def _box(box: Box, names: dict[str, str]) -> str:
    before, after = _BRACKETS.get(box.tier, ("[", "]"))
    plain = not box.lines and _PLAIN.fullmatch(box.label) and box.label.lower() not in _RESERVED
    label = box.label if plain else _quoted(box.label, *box.lines)
    return f"{names[box.name]}{before}{label}{after}:::{box.tier}"


def _quoted(*lines: str) -> str:
    """Quote a label, with numbered entities for what Mermaid or HTML would read as their own."""
    return '"' + "<br/>".join(_SPECIAL.sub(lambda match: f"#{ord(match[0])};", line) for line in lines) + '"'
