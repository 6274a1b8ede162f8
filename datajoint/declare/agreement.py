"""Tell at a glance that a stored table is what its definition says, as nearly every table is.

A whole pipeline is compared each time when a program starts; the full comparison, which names differences and the
alteration that would end them, is made only of tables that do not pass here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from datajoint.definition import AttributeDefinition, TableDefinition

if TYPE_CHECKING:
    from datajoint.backends.catalog import ColumnInfo, TableInfo
    from datajoint.heading import Attribute, Heading


def agrees(definition: TableDefinition, info: TableInfo, heading: Heading) -> bool:
    """Tell whether nothing differs; False says only that it takes a closer look.

    Parameters
    ----------
    definition : TableDefinition
    info : TableInfo
        The table as stored.
    heading : Heading
        Of the stored table.
    """
    columns = [c for c in info.columns if not c.name.startswith("_")]
    attributes = [a for a in definition.attributes if not a.hidden]
    return (
        definition.comment == info.comment
        and len(columns) == len(attributes)
        and definition.primary_key == info.primary_key
        and _same_foreign_keys(definition, info)
        and _same_indexes(definition, info)
        and all(
            _same_attribute(attribute, column, heading._attributes[column.name])
            for attribute, column in zip(attributes, columns, strict=True)
        )
    )


def _same_foreign_keys(definition: TableDefinition, info: TableInfo) -> bool:
    declared = {(k.parent, k.attributes, k.parent_attributes) for k in definition.foreign_keys}
    stored = {(k.parent, k.columns, k.parent_columns) for k in info.foreign_keys}
    return declared == stored and len(definition.foreign_keys) == len(info.foreign_keys)


def _same_indexes(definition: TableDefinition, info: TableInfo) -> bool:
    """Tell whether neither has an index, but for those that serve foreign keys."""
    serving = {k.attributes for k in definition.foreign_keys}
    return (
        not definition.indexes
        and not info.expression_indexes
        and not any(k.unique for k in definition.foreign_keys)
        and all(not index.unique and index.columns in serving for index in info.indexes)
    )


def _same_attribute(attribute: AttributeDefinition, column: ColumnInfo, stored: Attribute) -> bool:
    if attribute.name != column.name or attribute.nullable != column.nullable:
        return False
    if attribute.inherited:  # the column of a foreign key that the table has: the parent's matter
        return True
    if column.auto_increment or attribute.storage.auto_increment or attribute.marked_comment != column.comment:
        return False
    is_native = attribute.codec is None and not attribute.storage.core
    if is_native and (stored.value_type.core or not stored.value_type.holds_same(attribute.storage)):
        return False
    declared = None if attribute.default is None else "".join(map(str, attribute.default.parts))
    return declared == column.default or (column.default is None and declared == "NULL")
