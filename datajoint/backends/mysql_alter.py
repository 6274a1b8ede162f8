"""Alter tables of MySQL and MariaDB: one statement, which these servers carry out wholly or not at all."""

from __future__ import annotations

from datajoint.backends import ddl, mysql_ddl
from datajoint.backends.alteration import Alteration, AlterScript, AttributeChange
from datajoint.sql.fragment import Sql, column


def alter_table(alteration: Alteration, collation: str | None) -> AlterScript:
    """Return the statement.

    Parameters
    ----------
    collation : str or None
        The default of the schema, as of `mysql_ddl.create_table`.
    """
    clauses = [Sql("DROP FOREIGN KEY ", column(key.name)) for key in alteration.dropped_keys]
    clauses += [Sql("DROP INDEX ", column(index.name)) for index in alteration.dropped_indexes]
    clauses += [_attribute(change, collation) for change in alteration.attributes]
    clauses += [Sql("ADD ", ddl.foreign_key(key)) for key in alteration.added_keys]
    clauses += [
        Sql("ADD UNIQUE INDEX (" if index.unique else "ADD INDEX (", ddl.columns(index.columns), ")")
        for index in alteration.added_indexes
    ]
    clauses += [Sql("ADD INDEX (", ddl.columns(key.attributes), ")") for key in alteration.unserved_keys()]
    if alteration.comment is not None:
        mysql_ddl.refuse_unstorable_text(alteration.comment, "The table's comment")
        clauses.append(Sql(f"COMMENT={mysql_ddl._quoted(alteration.comment)}"))
    statement = Sql("ALTER TABLE ", alteration.name.identifier, "\n\t", Sql.join(",\n\t", clauses))
    return AlterScript(main=(statement,))


def _attribute(change: AttributeChange, collation: str | None) -> Sql:
    old, new = change.old, change.new
    if new is None:
        assert old is not None  # a change has at least one side
        return Sql("DROP ", column(old.name))
    place = Sql(" AFTER ", column(change.after)) if change.after is not None else Sql(" FIRST")
    clause = mysql_ddl._column(new, collation)
    if old is None:
        return Sql("ADD ", clause, place)
    moved = place if "place" in change.aspects else Sql()
    if old.name != new.name:
        return Sql("CHANGE ", column(old.name), " ", clause, moved)
    return Sql("MODIFY ", clause, moved)
