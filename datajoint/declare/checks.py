"""What must be so of a table's rows before it can be altered, found out before anything is changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from datajoint.backends.alteration import Alteration, AttributeChange
from datajoint.codecs.blob_format import BEGINNINGS
from datajoint.declare.defaults import NULL
from datajoint.definition import AttributeDefinition, ForeignKeyDefinition, IndexDefinition
from datajoint.errors import (
    DataJointError,
    DuplicateError,
    IntegrityError,
    InvalidValueError,
    MissingAttributeError,
)
from datajoint.naming import shorten
from datajoint.sql.fragment import Identifier, Sql, column
from datajoint.values.accept import acceptor
from datajoint.values.model import ValueType

if TYPE_CHECKING:
    from datajoint.connection import Connection

_NUMBERS = frozenset({"int", "year", "bool", "decimal", "float32", "float64"})
_TEXTS = frozenset({"char", "varchar", "text", "enum"})
_MOMENTS = frozenset({"date", "datetime", "timestamp"})
_WRITTEN = frozenset({"int", "year", "decimal", "date"})
"""Types whose values every engine writes as the same text, and reads from it."""
_PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class DataCheck:
    """A condition that the rows of a table must fulfil for an alteration, or a loss that it means.

    Attributes
    ----------
    text : str
        What is looked at, such as ``no NULL in `weight```.
    attribute : str or None
    is_loss : bool
        Whether what is found is lost by the alteration, rather than forbids it.
    """

    text: str
    attribute: str | None
    is_loss: bool
    _find: Callable[[Connection], Finding | None] = field(repr=False, compare=False)

    def run(self, connection: Connection) -> Finding | None:
        """Look at the rows; return what was found, None if nothing stands against the alteration."""
        return self._find(connection)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    Attributes
    ----------
    count : int
        Number of rows, or of different values, concerned.
    text : str
        What is so.
    hint : str
        What to do about it.
    error : type
        The class of error that the database would answer with.
    """

    count: int
    text: str
    hint: str = ""
    error: type[DataJointError] = field(default=DataJointError, repr=False)

    def __str__(self) -> str:
        return f"{self.text} {self.hint}".strip()


def data_checks(alteration: Alteration) -> Iterator[DataCheck]:
    """Yield the checks that an alteration needs."""
    checker = _Checks(alteration)
    for change in alteration.attributes:
        yield from checker.of_attribute(change)
    for index in alteration.added_indexes:
        if index.unique:
            yield checker.of_unique_index(index)
    for key in alteration.added_keys:
        if (check := checker.of_foreign_key(key)) is not None:
            yield check


class _Checks:
    def __init__(self, alteration: Alteration) -> None:
        self.alteration, self.table = alteration, alteration.name.identifier
        self.sources = alteration.sources

    def count(self, connection: Connection, *condition: str | Identifier | Sql) -> int:
        where = Sql(" WHERE ", *condition) if condition else Sql()
        return int(connection.execute(Sql("SELECT count(*) FROM ", self.table, where)).rows[0][0])

    # --- attributes
    def of_attribute(self, change: AttributeChange) -> Iterator[DataCheck]:
        old, new = change.old, change.new
        if new is None:
            assert old is not None  # a change has at least one side
            yield self.loss(old)
        elif old is None:
            if not new.nullable and new.default is None:
                yield self.no_rows(new)
        else:
            if "nullable" in change.aspects and not new.nullable:
                yield self.no_null(old, new)
            if "type" in change.aspects:
                yield from self.fitting(old, new)

    def loss(self, old: AttributeDefinition) -> DataCheck:
        def find(connection: Connection) -> Finding | None:
            count = self.count(connection, column(old.name), " IS NOT NULL")
            return Finding(count, f"`{old.name}` is dropped with its {_values(count)}.") if count else None

        return DataCheck(f"values of `{old.name}`, which are lost", old.name, is_loss=True, _find=find)

    def no_rows(self, new: AttributeDefinition) -> DataCheck:
        def find(connection: Connection) -> Finding | None:
            count = self.count(connection)
            if not count:
                return None
            text = f"`{new.name}` is new and has neither a default nor NULL for the {count:,} existing rows."
            own = f"Write `{new.name} = default : {new.type_text}`, or `= null`."
            hint = "Make the foreign key nullable: `-> [nullable] …`." if new.inherited else own
            return Finding(count, text, hint, MissingAttributeError)

        text = f"no row that would need a value of `{new.name}`"
        return DataCheck(text, new.name, is_loss=False, _find=find)

    def no_null(self, old: AttributeDefinition, new: AttributeDefinition) -> DataCheck:
        def find(connection: Connection) -> Finding | None:
            count = self.count(connection, column(old.name), " IS NULL")
            if not count:
                return None
            text = f"`{new.name}` shall not be NULL, but {_rows(count)} have no value."
            return Finding(count, text, "Update or delete them first, or keep `= null`.", MissingAttributeError)

        return DataCheck(f"no NULL in `{old.name}`", new.name, is_loss=False, _find=find)

    def fitting(self, old: AttributeDefinition, new: AttributeDefinition) -> Iterator[DataCheck]:
        if old.codec is None and new.codec == "<blob>" and old.storage.kind == "bytes":
            yield self.packed(old, new)
            return
        coded = old.codec is not None or new.codec is not None
        if coded or not convertible(old.storage, new.storage):
            yield self.no_values(old, new)
        elif not widens(old.storage, new.storage):
            yield self.values_fit(old, new)

    def packed(self, old: AttributeDefinition, new: AttributeDefinition) -> DataCheck:
        def find(connection: Connection) -> Finding | None:
            backend, name = connection.backend, Sql(column(old.name))
            conditions = (
                Sql("substr(", name, f", 1, {len(start)}) = ", backend.bind(old.storage, start)) for start in BEGINNINGS
            )
            count = self.count(connection, name, " IS NOT NULL AND NOT (", Sql.join(" OR ", conditions), ")")
            if not count:
                return None
            text = f"Of `{old.name}`, {_values(count)} are not in the blob format, in which {new.type_text} reads them."
            hint = "Add an attribute of the new type, fill it from the old one, then drop that."
            return Finding(count, text, hint, InvalidValueError)

        text = f"all values of `{old.name}` are in the blob format already; their bytes stay as they are"
        return DataCheck(text, new.name, is_loss=False, _find=find)

    def no_values(self, old: AttributeDefinition, new: AttributeDefinition) -> DataCheck:
        def find(connection: Connection) -> Finding | None:
            count = self.count(connection, column(old.name), " IS NOT NULL")
            if not count:
                return None
            text = (
                f"The {_values(count)} of `{old.name}` cannot be carried over from {old.type_text} to {new.type_text}."
            )
            hint = "Add an attribute of the new type, fill it from the old one, then drop that."
            return Finding(count, text, hint, InvalidValueError)

        text = f"no value in `{old.name}`, since {old.type_text} does not become {new.type_text}"
        return DataCheck(text, new.name, is_loss=False, _find=find)

    def values_fit(self, old: AttributeDefinition, new: AttributeDefinition) -> DataCheck:
        def find(connection: Connection) -> Finding | None:
            unfit = [value for value in self.distinct(connection, old) if not fits(value, old.storage, new.storage)]
            if not unfit:
                return None
            shown = ", ".join(shorten(value) for value in unfit[:_SHOWN]) + (", …" if len(unfit) > _SHOWN else "")
            text = f"{len(unfit):,} different values of `{old.name}` do not fit {new.type_text}: {shown}."
            return Finding(len(unfit), text, "Update or delete those rows first.", InvalidValueError)

        return DataCheck(f"all values of `{old.name}` fit {new.type_text}", new.name, is_loss=False, _find=find)

    def distinct(self, connection: Connection, old: AttributeDefinition) -> Iterator[Any]:
        backend = connection.backend
        name = Sql(column(old.name))
        rows = connection.execute(
            Sql("SELECT DISTINCT ", backend.selected(old.storage, name), " FROM ", self.table, " WHERE ", name, " IS NOT NULL")
        ).rows  # fmt: skip
        decode = backend.decoder(old.storage)
        return (decode(row[0]) if decode else row[0] for row in rows)

    # --- keys and indexes
    def of_unique_index(self, index: IndexDefinition) -> DataCheck:
        names = ", ".join(f"`{c}`" if isinstance(c, str) else "expression" for c in index.columns)

        def find(connection: Connection) -> Finding | None:
            count = self.duplicates(connection, index)
            if not count:
                return None
            text = f"A unique index over {names} is asked for, but {count:,} values of it occur more than once."
            return Finding(count, text, "Update or delete those rows first.", DuplicateError)

        return DataCheck(f"no value of {names} twice", None, is_loss=False, _find=find)

    def duplicates(self, connection: Connection, index: IndexDefinition) -> int:
        added = {c.new.name: c.new for c in self.alteration.attributes if c.old is None and c.new is not None}
        grouped: list[Sql] = []
        for item in index.columns:
            if isinstance(item, Sql):
                grouped.append(item)
            elif item not in added:
                grouped.append(Sql(column(self.sources[item].name)))
            elif added[item].default in {None, NULL}:
                return 0  # NULL in all rows, or there are none
        if not grouped:  # one default in all rows
            return int(self.count(connection) > 1)
        present = Sql.join(" AND ", (Sql(item, " IS NOT NULL") for item in grouped))
        groups = Sql(
            "SELECT 1 AS n FROM ", self.table, " WHERE ", present, " GROUP BY ", Sql.join(", ", grouped), " HAVING count(*) > 1"
        )  # fmt: skip
        return int(connection.execute(Sql("SELECT count(*) FROM (", groups, ") AS g")).rows[0][0])

    def of_foreign_key(self, key: ForeignKeyDefinition) -> DataCheck | None:
        """Return the check that the values of existing columns are keys of the parent; new columns hold NULL."""
        if not set(key.attributes) <= self.sources.keys():
            return None
        columns = [Sql("c.", column(self.sources[name].name)) for name in key.attributes]
        names = ", ".join(f"`{name}`" for name in key.attributes)

        def find(connection: Connection) -> Finding | None:
            pairs = zip(columns, key.parent_attributes, strict=True)
            same = Sql.join(" AND ", (Sql("p.", column(parent), " = ", own) for own, parent in pairs))
            present = Sql.join(" AND ", (Sql(own, " IS NOT NULL") for own in columns))
            parent = Sql("SELECT 1 FROM ", key.parent.identifier, " AS p WHERE ", same)
            orphans = Sql(
                "SELECT count(*) FROM ", self.table, " AS c WHERE ", present, " AND NOT EXISTS (", parent, ")"
            )
            count = int(connection.execute(orphans).rows[0][0])
            if not count:
                return None
            text = f"{names} shall refer to {key.parent}, but {_rows(count)} have values that are not there."
            return Finding(count, text, "Insert them into the parent first, or delete the rows.", IntegrityError)

        return DataCheck(f"all values of {names} are in {key.parent}", None, is_loss=False, _find=find)


# --- types
def convertible(old: ValueType, new: ValueType) -> bool:
    """Tell whether values of one type can be values of another, the same on every engine."""
    a, b = old.kind, new.kind
    if a == b:
        return a != "unknown"
    return any(
        (
            a in _NUMBERS and b in _NUMBERS,
            a in _TEXTS and b in _TEXTS,
            a in _MOMENTS and b in _MOMENTS,
            a in _WRITTEN and b in _TEXTS - {"enum"},
            a in _TEXTS - {"enum"} and b in _WRITTEN - {"year"},
        )
    )


def widens(old: ValueType, new: ValueType) -> bool:
    """Tell whether every value of one type is known to be one of the other."""
    a, b = old.kind, new.kind
    if b in {"int", "year"} and a in {"int", "year", "bool"}:
        low, high = (0, 1) if a == "bool" else (old.low, old.high)
        return b == "int" and None not in {low, high, new.low, new.high} and new.low <= low and high <= new.high  # type: ignore[operator]
    if a == b == "decimal":
        return _whole(new) >= _whole(old) and (new.scale or 0) >= (old.scale or 0) and new.low in {None, old.low}
    if a == "enum" and b == "enum":
        return set(old.labels) <= set(new.labels)
    if a in {"char", "varchar"} and b in {"varchar", "text"}:
        characters = old.length or 0
        return new.length is None or characters * (4 if b == "text" else 1) <= new.length
    if a in _MOMENTS and b in {"datetime", "timestamp"}:
        return new.digits >= old.digits and b == "datetime"
    if a == b and a in {"text", "bytes"}:
        return new.length is None or (old.length is not None and old.length <= new.length)
    return (a, b) in {
        ("float32", "float64"),
        ("json", "json"),
        ("uuid", "uuid"),
        ("date", "date"),
        ("bool", "bool"),
    } or (a == b and a in {"float32", "float64"} and new.low is None)


def fits(value: Any, old: ValueType, new: ValueType) -> bool:
    """Tell whether a value, as fetched from one type, is wholly kept in another."""
    try:
        found = acceptor(new)(value)
    except InvalidValueError:
        return False
    if new.kind in {"float32", "float64"}:
        return True
    if old.kind in _TEXTS and new.kind == "decimal":
        return bool(_PLAIN_NUMBER.fullmatch(value)) and bool(Decimal(value) == found)
    if old.kind in _TEXTS and new.kind not in _TEXTS:
        return str(found) == str(value)
    if old.kind in _WRITTEN and new.kind in _TEXTS:
        return str(value) == str(found)
    if new.kind == "char":
        return str(found) == str(value).rstrip(" ")
    # A date is compared with a moment as its midnight.
    common = _MOMENT if old.kind in _MOMENTS else old if old.kind == new.kind else None
    return bool(acceptor(common)(found) == acceptor(common)(value) if common else found == value)


_MOMENT = ValueType("datetime", "datetime(6)", digits=6)


def _whole(value_type: ValueType) -> int:
    return (value_type.precision or 0) - (value_type.scale or 0)


def _values(count: int) -> str:
    return "one value" if count == 1 else f"{count:,} values"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
