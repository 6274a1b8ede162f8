"""Alter tables of SQLite: the table is built anew beside the old one and takes its name.

What SQLite's own ALTER TABLE can do would leave another text of the table than its declaration has. Indexes and comments
alone need no new table.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

from datajoint.backends import ddl, sqlite_ddl, sqlite_values
from datajoint.backends.alteration import Alteration, AlterScript, Conversion, children
from datajoint.backends.catalog import SchemaCatalog
from datajoint.definition import AttributeDefinition, TableName
from datajoint.errors import IntegrityError
from datajoint.sql.fragment import Identifier, Parameter, Quoting, Sql, column
from datajoint.values.accept import acceptor

_NEW = "~new"
# Types whose values are stored in the same form, whatever their parameters.
_ONE_FORM = tuple(
    map(frozenset, (["int", "bool", "year"], ["varchar", "text", "enum"], ["float64"], ["bytes"], ["json"], ["uuid"]))
)


def alter_table(alteration: Alteration, catalog: SchemaCatalog) -> AlterScript:
    """Return the statements."""
    on_records_only = all(change.aspects == {"comment"} for change in alteration.attributes)
    if not on_records_only or alteration.added_keys or alteration.dropped_keys:
        return _rebuild(alteration, catalog)
    schema = alteration.name.schema
    main = [Sql("DROP INDEX ", Identifier((schema, index.name))) for index in alteration.dropped_indexes]
    main += _new_indexes(alteration, catalog)
    if alteration.comment is not None:
        main.append(_table_comment(alteration.name, alteration.comment))
    for change in alteration.attributes:
        assert change.new is not None
        main.append(_column_comment(alteration.name, change.new))
    return AlterScript(main=tuple(main))


def _new_indexes(alteration: Alteration, catalog: SchemaCatalog) -> Iterator[Sql]:
    name, wanted = alteration.name, set(alteration.added_indexes)
    unserved = {key.attributes for key in alteration.unserved_keys()}
    staying = {
        index.name
        for info in catalog.tables.values()
        for index in (*info.indexes, *info.expression_indexes)
        if index not in alteration.dropped_indexes
    }
    for index_name, index in ddl.named_indexes(name.name, alteration.target, sqlite_ddl._MAX_NAME, staying):
        if index in wanted or (not index.unique and index.columns in unserved):
            yield sqlite_ddl.create_index(name, index_name, index)


def _table_comment(name: TableName, comment: str) -> Sql:
    return Sql("UPDATE `~dj_tables` SET comment = ", Parameter(comment), _where(name))


def _column_comment(name: TableName, attribute: AttributeDefinition) -> Sql:
    return Sql(
        "UPDATE `~dj_columns` SET comment = ",
        Parameter(attribute.marked_comment),
        _where(name),
        " AND column_name = ",
        Parameter(attribute.name),
    )


def _where(name: TableName) -> Sql:
    return Sql(" WHERE schema_name = ", Parameter(name.schema), " AND table_name = ", Parameter(name.name))


# --- the new table
def _rebuild(alteration: Alteration, catalog: SchemaCatalog) -> AlterScript:
    name, target = alteration.name, alteration.target
    new = Identifier((name.schema, name.name + _NEW))
    sources = alteration.sources
    conversions: dict[str, Conversion] = {}
    for position, attribute in enumerate(target.attributes):
        old = sources.get(attribute.name)
        if old is not None and _changes_form(old, attribute):
            function = _converter(old, attribute)
            conversions[attribute.name] = Conversion(f"dj_convert_{position}", function)
    create, *indexes = sqlite_ddl.table_statements(name, target)
    generated = any(a.storage.auto_increment for a in target.attributes)
    main = [
        Sql("CREATE TABLE ", new, *create.parts[2:]),
        *([_copy(name, new, sources, conversions)] if sources else []),
        *(_sequence(name, new) if generated else ()),
        Sql("DROP TABLE ", name.identifier),
        Sql("ALTER TABLE ", new, " RENAME TO ", name.identifier),
        *indexes,
        Sql("DELETE FROM `~dj_columns`", _where(name)),
        Sql("DELETE FROM `~dj_tables`", _where(name)),
        *sqlite_ddl._records(name, target),
    ]
    checked = (name, *children(alteration, catalog))
    return AlterScript(main=tuple(main), rebuild=True, conversions=tuple(conversions.values()), checked=checked)


def _changes_form(old: AttributeDefinition, new: AttributeDefinition) -> bool:
    """Tell whether values are kept in another form. Values that do not fit are refused by the new table itself."""
    if old.codec is not None or new.codec is not None or old.storage == new.storage:
        return False
    kinds = {old.storage.kind, new.storage.kind}
    return not any(kinds <= family for family in _ONE_FORM)


def _copy(
    name: TableName, new: Identifier, sources: dict[str, AttributeDefinition], conversions: dict[str, Conversion]
) -> Sql:
    def value(target: str) -> Sql:
        stored = Sql(column(sources[target].name))
        return Sql(f"{conversions[target].name}(", stored, ")") if target in conversions else stored

    columns = ddl.columns(sources)
    values = Sql.join(", ", map(value, sources))
    return Sql("INSERT INTO ", new, " (", columns, ") SELECT ", values, " FROM ", name.identifier)


def _sequence(name: TableName, new: Identifier) -> tuple[Sql, ...]:
    """Keep the numbers of rows that were deleted from being given again."""
    old_name, new_name = Parameter(".".join(name)), Parameter(".".join(new.parts))
    return (
        Sql("DELETE FROM sqlite_sequence WHERE name = ", new_name),
        Sql("INSERT INTO sqlite_sequence SELECT ", new_name, ", seq FROM sqlite_sequence WHERE name = ", old_name),
    )


def _converter(old: AttributeDefinition, new: AttributeDefinition) -> Callable[[Any], Any]:
    """Return what turns a stored value of one type into that of another, as inserting it anew would."""
    decode, accept = sqlite_values.decoder(old.storage), acceptor(new.storage)
    encode = sqlite_values.encoder(new.storage)

    def convert(value: Any) -> Any:
        if value is None:
            return None
        accepted = accept(decode(value) if decode else value)
        return encode(accepted) if encode else accepted

    return convert


# --- the deed
def run_rebuild(
    raw: sqlite3.Connection, script: AlterScript, after: tuple[Sql, ...], dialect: Quoting, verify: Callable[[], None]
) -> None:
    """Carry out a rebuild on a session that nobody else uses, wholly or not at all.

    Foreign keys are off meanwhile, because dropping the old table would take the rows of its children along, and the
    texts of other tables are left alone when the new one takes the old one's name.

    Parameters
    ----------
    verify : callable
        Raises if the table is not the one that was planned for, once nobody else can change it.

    Raises
    ------
    sqlite3.Error
        Whatever SQLite refuses; nothing is changed.
    IntegrityError
        If a foreign key would be violated afterwards.
    """
    for conversion in script.conversions:
        raw.create_function(conversion.name, 1, conversion.function, deterministic=True)
    raw.execute("PRAGMA foreign_keys = OFF")
    raw.execute("PRAGMA legacy_alter_table = ON")
    execute(raw, "BEGIN IMMEDIATE")
    try:
        verify()
        triggers = _triggers(raw, script.checked[0])
        for statement in (*script.main, *after):
            text, values = statement.render(dialect)
            execute(raw, text, values)
        for text in triggers:
            execute(raw, text)
        for name in script.checked:
            _check_foreign_keys(raw, name)
        execute(raw, "COMMIT")
    except BaseException:
        if raw.in_transaction:
            raw.execute("ROLLBACK")
        raise


def execute(raw: sqlite3.Connection, text: str, values: list[Any] | tuple[()] = ()) -> None:
    """Run one statement of a rebuild."""
    raw.execute(text, values)


def _triggers(raw: sqlite3.Connection, name: TableName) -> list[str]:
    found = raw.execute("SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?", [".".join(name)])
    return [row[0] for row in found]


def _check_foreign_keys(raw: sqlite3.Connection, name: TableName) -> None:
    violations = raw.execute("SELECT count(*), min(parent) FROM pragma_foreign_key_check(?)", [".".join(name)])
    count, parent = violations.fetchone()
    if count:
        raise IntegrityError(
            f"Cannot alter: {count} rows of {name} would refer to rows of {parent} that do not exist.", table=str(name)
        )
