"""What users' classes have in common."""

from __future__ import annotations

from datajoint.table.table import Table


class UserTable(Table):
    """Base of the tiers: of the classes that users derive theirs from."""
