"""The tiers that a table class derives from; they say where its rows come from."""

from __future__ import annotations

import re

from datajoint.autopopulate import AutoPopulate
from datajoint.declare.hidden import JOB_METADATA, PROVENANCE
from datajoint.definition import AttributeDefinition, TableDefinition
from datajoint.logging import logger
from datajoint.table import Part, Table, UserTable
from datajoint.table.table import NAME

__all__ = [
    "Compute",
    "Computed",
    "Entry",
    "Imported",
    "Ingest",
    "Lookup",
    "Manual",
    "Part",
    "UserTable",
    "is_tier",
    "tier_of",
]


class Manual(UserTable):
    """Rows are entered from outside: by hand, by a script, by an instrument."""

    _prefix = ""
    tier_regexp = rf"(?P<manual>{NAME})"

    def _hidden_attributes(self) -> tuple[AttributeDefinition, ...]:
        return PROVENANCE if self.connection.settings.provenance.capture else ()


class Lookup(UserTable):
    """Small and general: parameters, methods, categories.

    Rows given in the class attribute `contents` are inserted when the class is declared.
    """

    _prefix = "#"
    tier_regexp = rf"(?P<lookup>\#{NAME})"


class _AutoPopulated(AutoPopulate, UserTable):
    """What `Imported` and `Computed` have in common."""

    def _check_definition(self, definition: TableDefinition) -> None:
        inherited = {name for key in definition.foreign_keys for name in key.attributes}
        own = [name for name in definition.primary_key if name not in inherited and not name.startswith("_")]
        if own and not self.connection.settings.jobs.allow_new_pk_fields_in_computed_tables:
            logger.warning(
                "%s has non-FK primary key attribute(s): %s. One call of `make` then makes several rows. "
                "Set jobs.allow_new_pk_fields_in_computed_tables to silence this.",
                self.name,
                ", ".join(own),
            )
        self._warn_of_shared_queue()
        super()._check_definition(definition)

    def _warn_of_shared_queue(self) -> None:
        """Tell of a table of the other such tier that has the same name but for its prefix."""
        other = ("__" if self._prefix == "_" else "_") + self.table_name.lstrip("_")
        catalog = self.connection.catalog(self.name.schema)
        if catalog is not None and other in catalog.tables:
            logger.warning(
                "%s shares its queue of jobs with %s.%s, so that workers of both would take each other's keys. If it is the "
                "same table in another tier, write `renamed_from = %r` in the class and call its alter().",
                self.name, self.name.schema, other, other,
            )  # fmt: skip

    def _hidden_attributes(self) -> tuple[AttributeDefinition, ...]:
        return JOB_METADATA if self.connection.settings.jobs.add_job_metadata else ()


class Imported(_AutoPopulated):
    """Rows are made by `populate`, from data outside the database."""

    _prefix = "_"
    tier_regexp = rf"(?P<imported>_{NAME})"


class Computed(_AutoPopulated):
    """Rows are made by `populate`, from data inside the database alone."""

    _prefix = "__"
    tier_regexp = rf"(?P<computed>__{NAME})"


Entry, Ingest, Compute = Manual, Imported, Computed

_TIERS: tuple[type[Table], ...] = (Lookup, Manual, Imported, Computed, Part)


def tier_of(table_name: str) -> type[Table] | None:
    """Return the tier that a table's name tells; None for names that no class has.

    Parameters
    ----------
    table_name : str
        Without schema and quotes.
    """
    for tier in _TIERS:
        if tier.tier_regexp and re.fullmatch(tier.tier_regexp, table_name):
            return tier
    return None


def is_tier(table_name: str, tier: type[Table]) -> bool:
    """Tell whether a table's name, without schema and quotes, is one of `tier`."""
    return tier_of(table_name) is tier
