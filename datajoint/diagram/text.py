"""The scene as text for terminals."""

from __future__ import annotations

from datajoint.diagram.palette import Tier
from datajoint.diagram.scene import Box, Link, Scene

_MARKS: dict[Tier, str] = {
    "manual": "▭",
    "lookup": "▤",
    "imported": "◯",
    "computed": "◉",
    "part": "▫",
    "other": "◌",
    "collapsed": "❐",
}


def make_text(scene: Scene) -> str:
    """Write a scene as lines: schemas, their tables with marks for tiers, parts under masters, parents behind arrows.

    ``⇐`` is a one-to-one foreign key, ``←`` one-to-many, ``⇠`` one outside the primary key.
    """
    incoming: dict[str, list[Link]] = {}
    for link in scene.links:
        incoming.setdefault(link.child, []).append(link)
    lines = [scene.title]
    for cluster in scene.clusters:
        groups = cluster.groups()
        rows: list[tuple[str, list[Link]]] = []  # an entry and the foreign keys to tell behind it
        for box in cluster.boxes:
            if box.master is None:
                rows.append((f"  {_entry(box)}", incoming.get(box.name, [])))
                rows += [
                    (f"    {_entry(part)}", [link for link in incoming.get(part.name, []) if link.parent != box.name])
                    for part in groups.get(box.name, [])
                ]
        width = max(len(entry) for entry, _ in rows)
        lines += ["", cluster.label]
        lines += [f"{entry:<{width}}  {_parents(links, scene)}".rstrip() for entry, links in rows]
    used: dict[Tier, None] = {box.tier: None for box in scene.boxes.values()}
    if used:
        lines += ["", "  ".join(f"{_MARKS[tier]} {tier}" for tier in _MARKS if tier in used)]
    return "\n".join(lines)


def _entry(box: Box) -> str:
    lines = f" ({', '.join(box.lines)})" if box.lines else ""
    return f"{_MARKS[box.tier]} {box.label}{lines}"


def _parents(links: list[Link], scene: Scene) -> str:
    texts = []
    for link in links:
        arrow = "⇠" if not link.primary else "⇐" if link.strong else "←"
        renamed = ", ".join(f"{child}={parent}" for child, parent in link.renamed)
        texts.append(f"{arrow} {scene.boxes[link.parent].title}" + (f" ({renamed})" if renamed else ""))
    return "  ".join(texts)
