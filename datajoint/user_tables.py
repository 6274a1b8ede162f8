"""The tiers under the module name that DataJoint 2.3 gives them."""

from __future__ import annotations

from datajoint.autopopulate import AutoPopulate
from datajoint.table import Part, Table, TableMeta
from datajoint.tiers import Compute, Computed, Entry, Imported, Ingest, Lookup, Manual, UserTable, is_tier, tier_of

__all__ = [
    "AutoPopulate",
    "Compute",
    "Computed",
    "Entry",
    "Imported",
    "Ingest",
    "Lookup",
    "Manual",
    "Part",
    "Table",
    "TableMeta",
    "UserTable",
    "is_tier",
    "user_table_classes",
]

user_table_classes = (Manual, Lookup, Computed, Imported, Part)


def _get_tier(table_name: str) -> type[Table] | None:
    """Return the tier that a quoted full name tells; None for names that no class has."""
    return tier_of(table_name.rsplit(".", maxsplit=1)[-1].strip('`"'))
