"""Semantic matching: attributes of one name may be matched only if they descend from one origin."""

from __future__ import annotations

from datajoint.errors import DataJointError
from datajoint.heading import Attribute, Heading
from datajoint.logging import logger
from datajoint.values.model import ValueType

# Values of one family can be equal; between families there is no equality.
_FAMILIES = dict.fromkeys(("int", "year", "float32", "float64", "decimal", "bool"), "number")
_FAMILIES |= dict.fromkeys(("char", "varchar", "text", "enum"), "text")
_FAMILIES |= dict.fromkeys(("date", "datetime", "timestamp"), "moment")


def namesakes(left: Heading, right: Heading) -> tuple[str, ...]:
    """Return the visible attribute names that both headings have, in the order of `left`."""
    return tuple(name for name in left.names if name in right.attributes)


def check_types(left: Heading, right: Heading, *, verb: str = "join") -> None:
    """Refuse to match attributes whose values cannot be equal, as engines would disagree about them.

    Raises
    ------
    DataJointError
        Naming every offending attribute, in heading order.
    """
    faults = [
        f"Cannot {verb} on attribute `{name}`: {left[name].value_type.text} and {right[name].value_type.text} "
        "have no equality."
        for name in namesakes(left, right)
        if not _comparable(left[name].value_type, right[name].value_type)
    ]
    if faults:
        raise DataJointError(" ".join(faults), hint="Use .proj() to rename or convert one of the attributes.")


def _comparable(a: ValueType, b: ValueType) -> bool:
    if a is b or a == b or "unknown" in {a.kind, b.kind}:
        return True
    return _FAMILIES.get(a.kind, a.kind) == _FAMILIES.get(b.kind, b.kind)


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


def warn_of_lineage(left: Heading, right: Heading, *, verb: str) -> None:
    """Log what `check_lineage` would refuse, where the result is well-defined all the same."""
    if not (left.lineage_available and right.lineage_available):
        return
    for name in namesakes(left, right):
        fault = _fault(left[name], right[name], verb)
        if fault is not None:
            logger.warning("%s", fault.replace("Cannot", "It is questionable to", 1))


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
