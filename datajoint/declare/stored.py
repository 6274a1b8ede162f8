"""Read a table's heading from what the database tells of its columns."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from datajoint.backends.catalog import ColumnInfo, SchemaCatalog, TableInfo
from datajoint.codecs import MissingCodec, codec_of, parse_type_spec, resolve_dtype
from datajoint.declare.defaults import default_text
from datajoint.errors import DataJointError
from datajoint.heading import Attribute, Heading, IndexProperties
from datajoint.values.model import ValueType
from datajoint.values.parse import parse_stored_type, parse_type

# Columns that carry no marker and whose type no definition would spell so.
_CORE_OF_DATABASE = {
    "boolean": "bool",
    "double precision": "float64",
    "bytea": "bytes",
    "jsonb": "json",
    "binary(16)": "uuid",
}


FindCatalog = Callable[[str], SchemaCatalog | None]


def read_heading(info: TableInfo, catalog: SchemaCatalog, find_catalog: FindCatalog) -> Heading:
    """Make the heading of a table.

    Parameters
    ----------
    info : TableInfo
        The table as stored.
    catalog : SchemaCatalog
        Its schema; gives lineage, and the types of parents where a column's comment tells none.
    find_catalog : callable
        Gives the structure of another schema by its name, for such parents in it.

    Raises
    ------
    DataJointError
        If a codec leads to a type that does not exist, or a column was made by a version before 2.0.
    """
    kept = catalog.derived.get(info.name.name)
    if kept is not None and all(find_catalog(schema) is other for schema, other in kept[1].items()):
        heading: Heading = kept[0]
        return heading
    others: dict[str, SchemaCatalog | None] = {}

    def find(schema: str) -> SchemaCatalog | None:
        others[schema] = find_catalog(schema)
        return others[schema]

    heading = _make_heading(info, catalog, find)
    if not heading.has_codecs:  # what a codec's name leads to may change
        catalog.derived[info.name.name] = heading, others
    return heading


def _make_heading(info: TableInfo, catalog: SchemaCatalog, find_catalog: FindCatalog) -> Heading:
    return Heading(
        (_attribute(column, info, catalog, find_catalog) for column in info.columns),
        {"database": info.name.schema, "table_name": info.name.name},
        catalog.lineage is not None,
        table_comment=info.comment,
        indexes=_indexes(info),
    )


def _indexes(info: TableInfo) -> dict[tuple[str, ...], IndexProperties]:
    nullable = {column.name for column in info.columns if column.nullable}
    return {
        index.columns: {"unique": index.unique, "nullable": not nullable.isdisjoint(index.columns)}
        for index in info.indexes
    }


def split_marker(comment: str) -> tuple[str | None, str]:
    """Split a stored comment ``:type:text`` into type and text; without a marker the type is None.

    Colons inside quotes, as in ``:enum('a:b'):text``, belong to the type.
    """
    if not comment.startswith(":"):
        return None, comment
    match = _MARKER.match(comment)
    return (match["type"], match["text"]) if match else (None, comment)


_MARKER = re.compile(r"""^:(?P<type>(?:'[^']*'|"[^"]*"|[^:'"])+):(?P<text>.*)""", re.DOTALL)


def _attribute(column: ColumnInfo, info: TableInfo, catalog: SchemaCatalog, find_catalog: FindCatalog) -> Attribute:
    marker, comment = split_marker(column.comment)
    if marker is None:
        marker = _inherited_marker(column.name, info, catalog, find_catalog)
    if marker and marker.startswith("external"):
        raise DataJointError(
            f"{info.name}.{column.name} is stored in an external table of DataJoint before 2.0.",
            hint="Migrate the schema with DataJoint 2.0's migration tools first.",
            table=str(info.name),
            attribute=column.name,
        )
    codec = marker if marker and marker.startswith("<") else None
    value_type = _codec_type(codec, column, info) if codec else _value_type(marker, column)
    value_type = _as_stored(value_type, column.auto_increment, column.enum_type, column.collation)
    hidden = column.name.startswith("_")
    return Attribute(
        name=column.name,
        type=codec or column.type,
        original_type=None if codec or not value_type.core else marker,
        in_key=column.name in info.primary_key,
        nullable=column.nullable,
        default=default_text(column.default, value_type, nullable=column.nullable),
        comment=comment,
        autoincrement=column.auto_increment,
        numeric=value_type.is_number and not codec,
        string=value_type.is_text and not codec,
        uuid=value_type.kind == "uuid" and not codec,
        json=value_type.kind == "json",
        is_blob=value_type.kind == "bytes",
        is_hidden=hidden,
        codec=codec_of(codec) if codec else None,
        store=parse_type_spec(codec).store if codec else None,
        unsupported=value_type.kind == "unknown",
        dtype=_dtype(value_type, nullable=column.nullable, codec=bool(codec)),
        lineage=(catalog.lineage or {}).get((info.name.name, column.name)),
        value_type=value_type,
    )


@lru_cache(maxsize=4096)
def _as_stored(
    value_type: ValueType,
    auto_increment: bool,
    enum_type: str | None,
    collation: str | None,
) -> ValueType:
    return replace(value_type, auto_increment=auto_increment, enum_type=enum_type, collation=collation)


def _inherited_marker(attribute: str, info: TableInfo, catalog: SchemaCatalog, find_catalog: FindCatalog) -> str | None:
    """Return the marker of the parent's column: tables of DataJoint 2.3 do not repeat it on inherited columns."""
    seen = {(info.name, attribute)}
    while True:
        for key in info.foreign_keys:
            if attribute not in key.columns:
                continue
            schema = catalog if key.parent.schema == catalog.schema else find_catalog(key.parent.schema)
            parent = schema.tables.get(key.parent.name) if schema is not None else None
            if schema is not None and parent is not None:
                break
        else:
            return None
        attribute = key.parent_columns[key.columns.index(attribute)]
        if (parent.name, attribute) in seen:
            return None
        seen.add((parent.name, attribute))
        info, catalog = parent, schema
        comment = next((c.comment for c in parent.columns if c.name == attribute), "")
        marker, _ = split_marker(comment)
        if marker is not None:
            return marker


def _value_type(marker: str | None, column: ColumnInfo) -> ValueType:
    if marker is not None:
        try:
            return parse_type(marker)
        except DataJointError:  # a comment that only looks like a marker
            pass
    core = _CORE_OF_DATABASE.get(column.type)
    return replace(parse_type(core), core=False) if core else parse_stored_type(column.type)


def _codec_type(codec: str, column: ColumnInfo, info: TableInfo) -> ValueType:
    """Return the type at the end of a codec's chain; that of the column itself where the codec is not known here."""
    if isinstance(codec_of(codec), MissingCodec):
        return _value_type(None, column)
    try:
        final = resolve_dtype(codec).dtype
    except DataJointError:
        # A codec that it leads to is missing here, or it has no such form: using it will say so.
        return _value_type(None, column)
    try:
        return parse_type(final)
    except DataJointError as error:
        raise DataJointError(
            f"Invalid dtype {final!r} in codec {codec}.",
            hint="The codec's get_dtype must return a type such as 'bytes' or 'json'.",
            table=str(info.name),
            attribute=column.name,
        ) from error


def _dtype(value_type: ValueType, *, nullable: bool, codec: bool) -> object:
    """Return the numpy type of a field, by name so that numpy need not be loaded."""
    if codec:
        return object
    if value_type.kind in {"float32", "float64"}:
        return "float64"
    if value_type.kind in {"int", "year"} and not nullable:
        unsigned = value_type.high is not None and value_type.high >= 2**63
        return "uint64" if unsigned else "int64"
    return object
