"""What DataJoint 2.3 draws and counts: ``python peer_diagram.py drawn JSON``; the same function serves this library."""

from __future__ import annotations

import importlib.util
import json
import logging
import sys
import warnings
from pathlib import Path

NODE = ("label", "shape", "style", "fontsize", "fillcolor", "color", "fontcolor", "fontname", "margin")
EDGE = ("style", "penwidth", "weight", "color", "tooltip")


def classes_of(dj, schemas):
    spec = importlib.util.spec_from_file_location("pipeline", Path(__file__).with_name("pipeline.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.declare(dj, schemas)


def describe(dj, schemas, classes, names):
    """Tell what diagrams of the pipeline are made of, and how many rows they find."""
    context = dict(classes.items())
    diagram = dj.Diagram(schemas[0], context=context) + dj.Diagram(schemas[1], context=context)
    pictures = {"all": diagram, "around": dj.Diagram(classes["Session"], context=context) + 1}
    found = {name: drawn(picture) for name, picture in pictures.items()}
    found["mermaid"] = sorted(
        line.strip() for line in diagram.make_mermaid().splitlines() if "-->" in line or ":::" in line
    )

    def counted(diagram):
        return {plain(name, names): int(count) for name, count in diagram.counts().items()}

    found["cascade"] = counted(dj.Diagram.cascade(classes["Subject"]() & "subject_id=1"))
    found["with masters"] = counted(dj.Diagram.cascade(classes["Scan"].Mask() & "mask=1", part_integrity="cascade"))
    found["trace"] = counted(dj.Diagram.trace(classes["Scan"].Mask() & "mask=1"))
    found["restrict"] = counted(diagram.restrict(classes["Session"]() & "sess=1"))
    return found


def drawn(diagram):
    dot = diagram.make_dot(theme="light")
    nodes = {n.get_name(): [str(getattr(n, f"get_{a}")() or "") for a in NODE] for n in dot.get_nodes()}
    edges = [
        [e.get_source(), e.get_destination(), *(str(getattr(e, f"get_{a}")() or "") for a in EDGE)]
        for e in dot.get_edges()
    ]
    return {"nodes": nodes, "edges": sorted(edges)}


def plain(full_name, names):
    for number, name in enumerate(names):
        full_name = full_name.replace(name, str(number))
    return full_name.replace("`", "").replace('"', "")


def main():
    warnings.simplefilter("ignore")
    import datajoint as dj

    logging.getLogger("datajoint").setLevel("ERROR")
    names = json.loads(sys.argv[2])["names"]
    schemas = [dj.Schema(name) for name in names]
    print(json.dumps(describe(dj, schemas, classes_of(dj, schemas), names)))


if __name__ == "__main__":
    main()
