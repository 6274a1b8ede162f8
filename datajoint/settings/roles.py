"""What a table is for, and the prefix of its name that says so."""

from __future__ import annotations

import enum


class Role(enum.Enum):
    """The part that a table plays in a pipeline."""

    manual = "manual"
    lookup = "lookup"
    imported = "imported"
    computed = "computed"
    job = "job"


role_to_prefix = {Role.manual: "", Role.lookup: "#", Role.imported: "_", Role.computed: "__", Role.job: "~"}
prefix_to_role = {prefix: role for role, prefix in role_to_prefix.items()}
