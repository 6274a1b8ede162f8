"""Semantic matching: attributes of one name may be matched only if they descend from one origin."""

from __future__ import annotations

import logging

from datajoint.errors import DataJointError
from datajoint.heading import Attribute, Heading

logger = logging.getLogger("datajoint")


def namesakes(left: Heading, right: Heading) -> tuple[str, ...]:
    """Return the visible attribute names that both headings have, in the order of `left`."""
    return tuple(name for name in left.names if name in right.attributes)


def check_lineage(left: Heading, right: Heading, *, verb: str = "join") -> None:
    """Refuse to match attributes that share a name but not an origin.

    Raises
    ------
    DataJointError
        Naming every offending attribute, in heading order, and what to do.
    """
    if not (left.lineage_available and right.lineage_available):
        logger.warning(
            "Semantic check disabled: ~lineage table not found. To enable semantic matching, rebuild lineage with: "
            "schema.rebuild_lineage()"
        )
        return
    faults = [fault for name in namesakes(left, right) if (fault := _fault(left[name], right[name], verb)) is not None]
    if faults:
        raise DataJointError(" ".join(faults))


def _fault(a: Attribute, b: Attribute, verb: str) -> str | None:
    if a.lineage is not None and a.lineage == b.lineage:
        return None
    if a.lineage is not None and b.lineage is not None:
        return (
            f"Cannot {verb} on attribute `{a.name}`: different lineages ({a.lineage} vs {b.lineage}). "
            "Use .proj() to rename one of the attributes."
        )
    if (a.in_key or b.in_key) and a.attribute_expression is None and b.attribute_expression is None:
        cure = "It may be stale: run schema.rebuild_lineage(), rename with .proj(), or pass semantic_check=False."
    else:
        cure = (
            "An attribute that is neither key nor foreign key, or is computed, has none by design: leave it out or "
            "rename it with .proj(), or pass semantic_check=False. (If its lineage is stale or missing for another "
            "reason, run schema.rebuild_lineage().)"
        )
    return f"Cannot {verb} on attribute `{a.name}`: lineage missing on one side ({a.lineage} vs {b.lineage}). {cure}"
