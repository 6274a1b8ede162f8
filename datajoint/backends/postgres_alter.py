"""Alter tables of PostgreSQL: one transaction; only labels added to an enum type must be committed before."""

from __future__ import annotations

from collections.abc import Iterator

from datajoint.backends import ddl, postgres_ddl, postgres_values
from datajoint.backends.alteration import Alteration, AlterScript, Aspect, AttributeChange
from datajoint.backends.catalog import SchemaCatalog
from datajoint.definition import AttributeDefinition, IndexDefinition, TableName
from datajoint.sql.fragment import Identifier, Sql, column
from datajoint.values.model import ValueType

_NUMBERS = frozenset({"int", "year", "float32", "float64", "decimal"})
_MOMENTS = frozenset({"date", "datetime", "timestamp"})


def alter_table(alteration: Alteration, catalog: SchemaCatalog) -> AlterScript:
    """Return the statements."""
    return _Alter(alteration, catalog).script()


class _Alter:
    """Collects the statements of one alteration."""

    def __init__(self, alteration: Alteration, catalog: SchemaCatalog) -> None:
        self.alteration, self.catalog, self.name = alteration, catalog, alteration.name
        self.first: list[Sql] = []
        self.types: list[Sql] = []
        self.released: list[str] = []

    def script(self) -> AlterScript:
        changes = [change for change in self.alteration.attributes if change.new is not None]
        dropped = [change.old for change in self.alteration.attributes if change.new is None and change.old is not None]
        self.released += [old.enum_type for old in dropped if old.enum_type]
        altered = [statement for change in changes for statement in self.changed(change)]
        main = [
            *self.types,
            *(self.table(Sql("DROP CONSTRAINT ", column(key.name))) for key in self.alteration.dropped_keys),
            *(
                Sql("DROP INDEX ", Identifier((self.name.schema, index.name)))
                for index in self.alteration.dropped_indexes
            ),
            *(self.table(Sql("DROP COLUMN ", column(old.name))) for old in dropped),
            *altered,
            *(self.table(Sql("ADD ", ddl.foreign_key(key))) for key in self.alteration.added_keys),
            *self.indexes(),
            *self.comments(),
            *self.released_types(),
        ]
        lock = Sql("LOCK TABLE ", self.name.identifier, " IN ACCESS EXCLUSIVE MODE")
        return AlterScript(tuple(self.first), lock, tuple(main))

    def table(self, clause: Sql) -> Sql:
        return Sql("ALTER TABLE ", self.name.identifier, " ", clause)

    # --- attributes
    def changed(self, change: AttributeChange) -> Iterator[Sql]:
        old, new = change.old, change.new
        assert new is not None
        if old is None:
            enum_type = self.enum_type(new) if new.storage.kind == "enum" else None
            yield self.table(Sql("ADD COLUMN ", postgres_ddl._column(new, enum_type)))
            yield from self.check(new)
            return
        if old.name != new.name:
            yield self.table(Sql("RENAME COLUMN ", column(old.name), " TO ", column(new.name)))
        rechecked = "type" in change.aspects or old.name != new.name
        if rechecked and postgres_ddl._check(old) is not None:
            yield self.table(Sql("DROP CONSTRAINT IF EXISTS ", column(f"{old.name}: {old.storage.text}")))
        if "type" in change.aspects:
            yield from self.retyped(old, new, change.aspects)
        elif "default" in change.aspects:
            yield self.default(new)
        if "nullable" in change.aspects:
            yield self.altered(new, "DROP NOT NULL" if new.nullable else "SET NOT NULL")
        if rechecked:
            yield from self.check(new)

    def altered(self, attribute: AttributeDefinition, clause: str | Sql) -> Sql:
        return self.table(Sql("ALTER COLUMN ", column(attribute.name), " ", clause))

    def default(self, attribute: AttributeDefinition) -> Sql:
        if attribute.default is None:
            return self.altered(attribute, "DROP DEFAULT")
        return self.altered(attribute, Sql("SET DEFAULT ", attribute.default))

    def check(self, attribute: AttributeDefinition) -> Iterator[Sql]:
        condition = postgres_ddl._check(attribute)
        if condition is not None:
            yield self.table(Sql("ADD ", condition))

    def retyped(self, old: AttributeDefinition, new: AttributeDefinition, aspects: frozenset[Aspect]) -> Iterator[Sql]:
        if self.gains_labels(old, new):
            assert old.enum_type is not None
            self.first += _added_labels(old.enum_type, old.storage.labels, new.storage.labels)
            # The old name would be taken for the old labels.
            name = postgres_ddl.free_enum_name(new.storage.labels, self.name.schema, self.catalog)
            self.types.append(Sql(f"ALTER TYPE {old.enum_type} RENAME TO ", column(name)))
            if "default" in aspects:
                yield self.default(new)
            return
        if old.enum_type:
            self.released.append(old.enum_type)
        target = self.enum_type(new) if new.storage.kind == "enum" else postgres_values.column_type(new.storage)
        if old.default is not None:  # even NULL is one of the old type
            yield self.altered(new, "DROP DEFAULT")
        using = Sql(_converted(old.storage, new.storage, Sql(column(new.name))), f"::{target}")
        yield self.altered(new, Sql(f"TYPE {target} USING ", using))
        if new.default is not None:
            yield self.default(new)

    # --- enum types
    def enum_type(self, attribute: AttributeDefinition) -> str:
        """Return the quoted name of an enum's type, which is created first if there is none."""
        found = postgres_ddl._enum_type(attribute, self.name.schema, self.catalog)
        if postgres_ddl._is_new(found, attribute, self.catalog):
            self.types.append(postgres_ddl._create_type(found, attribute.storage.labels))
        return found

    def gains_labels(self, old: AttributeDefinition, new: AttributeDefinition) -> bool:
        """Tell whether the column's own type can simply be given the new labels: nothing else has that type."""
        if old.storage.kind != "enum" or new.storage.kind != "enum" or old.enum_type is None:
            return False
        wanted = [label for label in new.storage.labels if label in old.storage.labels]
        users = [
            (info.name, c.name)
            for info in self.catalog.tables.values()
            for c in info.columns
            if c.enum_type == old.enum_type
        ]
        known = postgres_ddl._enum_type(new, self.name.schema, self.catalog)
        return (
            tuple(wanted) == old.storage.labels
            and users == [(self.name, old.name)]
            and not old.in_key
            and postgres_ddl._is_new(known, new, self.catalog)
        )

    def released_types(self) -> Iterator[Sql]:
        prefix = postgres_ddl._qualified(self.name.schema, "")[:-2]
        used = {
            c.enum_type for info in self.catalog.tables.values() if info.name != self.name for c in info.columns
        } | {a.enum_type for a in self.alteration.target.attributes}
        for enum_type in dict.fromkeys(self.released):
            if enum_type.startswith(prefix) and enum_type not in used:
                yield postgres_ddl._drop_unused_type(enum_type)

    # --- indexes and comments
    def indexes(self) -> Iterator[Sql]:
        target = self.alteration.target
        wanted = set(self.alteration.added_indexes)
        supporting = {key.attributes for key in (*self.alteration.added_keys, *self.alteration.unserved_keys())}
        staying = {
            index.name
            for info in self.catalog.tables.values()
            for index in (*info.indexes, *info.expression_indexes)
            if index not in self.alteration.dropped_indexes
        }
        for name, index in ddl.named_indexes(self.name.name, target, postgres_ddl.MAX_BYTES, staying):
            if index in wanted or (not index.unique and index.columns in supporting):
                yield self.index(name, index)

    def index(self, name: str, index: IndexDefinition) -> Sql:
        columns = Sql.join(", ", (postgres_ddl._indexed(c, self.alteration.target) for c in index.columns))
        unique = "UNIQUE " if index.unique else ""
        return Sql(f"CREATE {unique}INDEX ", Identifier((name,)), " ON ", self.name.identifier, " (", columns, ")")

    def comments(self) -> Iterator[Sql]:
        if self.alteration.comment is not None:
            text = ddl.quote_text(self.alteration.comment)
            yield Sql("COMMENT ON TABLE ", self.name.identifier, f" IS {text}")
        for change in self.alteration.attributes:
            if (
                change.new is not None
                and (change.old.marked_comment if change.old else "") != change.new.marked_comment
            ):
                yield _comment(self.name, change.new)


def _comment(name: TableName, attribute: AttributeDefinition) -> Sql:
    text = ddl.quote_text(attribute.marked_comment) if attribute.marked_comment else "NULL"
    return Sql("COMMENT ON COLUMN ", Identifier((*name, attribute.name)), f" IS {text}")


def _added_labels(enum_type: str, old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[Sql]:
    for position, label in enumerate(new):
        if label not in old:
            place = f"AFTER {ddl.quote_text(new[position - 1])}" if position else f"BEFORE {ddl.quote_text(old[0])}"
            yield Sql(f"ALTER TYPE {enum_type} ADD VALUE IF NOT EXISTS {ddl.quote_text(label)} {place}")


def _converted(old: ValueType, new: ValueType, expression: Sql) -> Sql:
    """Return a column in a form from which a cast leads to the new type."""
    if new.kind == "bool" and old.kind in _NUMBERS:
        return Sql("(", expression, " <> 0)")
    if old.kind == "bool" and new.kind in _NUMBERS:
        return expression + "::int"
    alike = (old.kind == new.kind and old.kind not in {"enum", "char"}) or any(
        {old.kind, new.kind} <= family for family in (_NUMBERS, _MOMENTS)
    )
    return expression if alike else expression + "::text"
