"""Columns that belong to the framework: they follow the user's, and no heading shows them."""

from __future__ import annotations

from dataclasses import replace

from datajoint.declare.defaults import NULL, quoted_sql
from datajoint.definition import AttributeDefinition, TableDefinition
from datajoint.values.parse import parse_type

PROV_ATTRIBUTE = "_prov"


def _nullable(name: str, type_text: str, comment: str) -> AttributeDefinition:
    return AttributeDefinition(
        name, type_text, parse_type(type_text), nullable=True, default=NULL, comment=comment
    )  # fmt: skip


JOB_METADATA = (
    _nullable("_job_start_time", "datetime(3)", "when computation began"),
    _nullable("_job_duration", "float32", "computation duration in seconds"),
    AttributeDefinition(
        "_job_version", "varchar(64)", parse_type("varchar(64)"), default=quoted_sql(""), comment="code version"
    ),
)
"""Of tables that populate themselves, with the setting ``jobs.add_job_metadata``."""

PROVENANCE = (_nullable(PROV_ATTRIBUTE, "json", "extrinsic provenance for a row that entered from outside"),)
"""Of manual tables, with the setting ``provenance.capture``."""


def extended(definition: TableDefinition, hidden: tuple[AttributeDefinition, ...]) -> TableDefinition:
    """Return the definition with columns of the framework after its own."""
    return replace(definition, attributes=(*definition.attributes, *hidden)) if hidden else definition
