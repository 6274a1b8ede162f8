"""Check rows before they are inserted; nothing is written."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from datajoint.errors import DataJointError
from datajoint.naming import shorten
from datajoint.table.base_table import BaseTable, base_table
from datajoint.table.columns import ColumnWriter
from datajoint.table.diagnose import all_matches, foreign_keys, unique_keys
from datajoint.table.rows import fields_of, iterate

if TYPE_CHECKING:
    from datajoint.expression.operand import Operand

_SHOWN = 10
_LOT = 1000  # rows that the database is asked about at a time

Problem = tuple[int, str | None, str]


@dataclass
class ValidationResult:
    """What `validate` found; true if nothing is wrong.

    Attributes
    ----------
    is_valid : bool
    errors : list of (int, str or None, str)
        Index of the row, attribute (None: the row as a whole), and what is wrong.
    rows_checked : int
    """

    is_valid: bool
    errors: list[Problem] = field(default_factory=list)
    rows_checked: int = 0

    def __bool__(self) -> bool:
        return self.is_valid

    def raise_if_invalid(self) -> None:
        """Raise an error with the summary if anything is wrong.

        Raises
        ------
        DataJointError
        """
        if not self.is_valid:
            raise DataJointError(self.summary())

    def summary(self) -> str:
        """Return the outcome as text, with the first ten errors."""
        if self.is_valid:
            return f"Validation passed: {self.rows_checked} rows checked"
        lines = [f"Validation failed: {len(self.errors)} error(s) in {self.rows_checked} rows"]
        for row, name, message in self.errors[:_SHOWN]:
            lines.append(f"  Row {row}{f' in field {name!r}' if name else ''}: {message}")
        if len(self.errors) > _SHOWN:
            lines.append(f"  ... and {len(self.errors) - _SHOWN} more errors")
        return "\n".join(lines)


def validate(
    table: Operand,
    rows: Any,
    *,
    ignore_extra_fields: bool = False,
    stored: bool = False,
    together_with: Collection[str] = (),
) -> ValidationResult:
    """Check rows as `insert` would, except for what only the database knows: existing keys and parent rows.

    Rows are also compared with each other: those of one call have the same fields, and none has the primary key, or the
    values of another unique index, of one before it.

    Codecs check their values but store nothing. An iterator is used up.

    Parameters
    ----------
    rows : iterable of rows, DataFrame or pathlib.Path
        As of `insert`.
    ignore_extra_fields : bool
        Ignore fields that are no attributes.
    stored : bool
        Also ask the database which keys exist already and which parent rows do not; without it no statement is sent.
    together_with : collection of str
        Full names of tables into which rows go first, such as a part's master; `stored` takes their rows to exist.

    Returns
    -------
    ValidationResult

    Raises
    ------
    TypeError
        If `rows` cannot be iterated over.
    DataJointError
        If `rows` is a single dict or text, a codec refuses a value in its own way, or the database cannot be asked.
    """
    checker = _Checker(base_table(table), ignore_extra_fields=ignore_extra_fields)
    errors: list[Problem] = []
    lot: list[tuple[int, dict[str, Any]]] = []
    count = 0
    for index, row in enumerate(iterate(rows, str(checker.target.name))):
        errors += [(index, name, said) for name, said in checker.problems(index, row)]
        count += 1
        if stored:
            lot.append((index, checker.canonical))
            if len(lot) == _LOT:
                errors += _stored_problems(checker.target, lot, together_with)
                lot = []
    errors += _stored_problems(checker.target, lot, together_with)
    errors.sort(key=lambda problem: problem[0])  # stable: what is wrong with the values of a row comes first
    return ValidationResult(not errors, errors, count)


def _stored_problems(
    target: BaseTable, rows: list[tuple[int, dict[str, Any]]], together_with: Collection[str]
) -> Iterator[Problem]:
    """Yield the rows whose key, or values of a unique index, the table has, and those whose parent row is missing."""

    def filled(names: tuple[str, ...]) -> list[tuple[int, tuple[Any, ...]]]:
        return [(i, tuple(row[n] for n in names)) for i, row in rows if all(row.get(n) is not None for n in names)]

    def shown(names: tuple[str, ...], values: tuple[Any, ...]) -> str:
        return ", ".join(f"{name}={shorten(value)}" for name, value in zip(names, values, strict=True))

    def about(names: tuple[str, ...]) -> str | None:
        return names[0] if len(names) == 1 else None

    for key in unique_keys(target):
        given = filled(key) if key else []
        for index in all_matches(target, target.name, key, key, given, present=True):
            yield index, about(key), f"A row with {shown(key, dict(given)[index])} exists already"
    quote = target.connection.dialect.quote
    for link in foreign_keys(target):
        if quote(link.parent.identifier) in together_with:
            continue
        given = filled(link.columns)
        for index in all_matches(target, link.parent, link.columns, link.parent_columns, given, present=False):
            wanted = shown(link.parent_columns, dict(given)[index])
            yield index, about(link.columns), f"No row in {link.parent} with {wanted}"


class _Checker:
    """Judges rows one after another, and remembers what the next ones may not repeat."""

    def __init__(self, target: BaseTable, *, ignore_extra_fields: bool) -> None:
        self.target, self.ignore_extra_fields = target, ignore_extra_fields
        self.writers = {name: ColumnWriter.of(target, name) for name in target.heading.names}
        self.first: frozenset[str] | None = None  # the attributes that the first row gives
        self.canonical: dict[str, Any] = {}  # what the last row's values are converted to
        self.seen: dict[tuple[str, ...], dict[tuple[Any, ...], int]] = {key: {} for key in unique_keys(target) if key}

    def problems(self, index: int, row: Any) -> list[tuple[str | None, str]]:
        """Return attribute and fault: unknown fields first, then attributes in their order, the key, other rows."""
        heading = self.target.heading
        canonical: dict[str, Any] = {}
        self.canonical = canonical
        try:
            fields = fields_of(row)
        except DataJointError:
            return [(None, f"Invalid row type: {type(row).__name__}")]
        if fields is None:
            if len(row) != len(heading):
                return [(None, f"Incorrect number of attributes: {len(row)} given, {len(heading)} expected")]
            fields = dict(zip(heading.names, row, strict=True))
        found = list(self._own_problems(fields, canonical))
        own = frozenset(name for name in self.writers if name in fields)
        self.first = own if self.first is None else self.first
        if own != self.first and not found:  # else it has been said what is missing, or too much
            differing = ", ".join(name for name in self.writers if name in own ^ self.first)
            found.append((None, f"Row has other fields than the first one: they differ in {differing}"))
        return [*found, *self._repetitions(index, canonical)]

    def _own_problems(self, fields: Mapping[Any, Any], canonical: dict[str, Any]) -> Iterator[tuple[str | None, str]]:
        heading = self.target.heading
        if not self.ignore_extra_fields:
            unknown = [str(name) for name in fields if name not in heading]
            yield from ((name, f"Field {name!r} not in table heading") for name in unknown)
        for name, writer in self.writers.items():
            if fault := _fault(writer, fields, canonical):
                yield name, fault
        for name in heading.primary_key:
            writer = self.writers[name]
            if not writer.attribute.autoincrement and (name not in fields or writer.is_missing(fields[name])):
                yield name, f"Primary key field {name!r} is missing or NULL"

    def _repetitions(self, index: int, canonical: Mapping[str, Any]) -> Iterator[tuple[str | None, str]]:
        """Yield the keys that a row before this one has."""
        for key, seen in self.seen.items():
            if all(name in canonical for name in key):
                values = tuple(canonical[name] for name in key)
                if values in seen:
                    shown = ", ".join(f"{name}={shorten(value)}" for name, value in zip(key, values, strict=True))
                    yield key[0] if len(key) == 1 else None, f"Row has the same {shown} as row {seen[values]}"
                seen.setdefault(values, index)


def _fault(writer: ColumnWriter, fields: Mapping[Any, Any], canonical: dict[str, Any]) -> str | None:
    """Return what is wrong with the value of an attribute; what it is converted to is put into `canonical`."""
    name = writer.attribute.name
    if name not in fields:
        return f"Required field {name!r} is missing" if writer.required else None
    value = fields[name]
    if writer.is_missing(value):
        return f"NULL value not allowed for non-nullable field {name!r}" if writer.required else None
    if writer.chain is not None:
        try:
            writer.chain.validate(value)
        except DataJointError:
            raise
        except (TypeError, ValueError) as error:
            return f"Codec validation failed: {error}"
        return None
    try:
        canonical[name] = writer.accept(value)
    except (TypeError, ValueError) as error:
        return _PREFIX.get(writer.attribute.value_type.kind, "") + str(error)
    return None


_PREFIX = {"uuid": "Invalid UUID format: ", "json": "Value not JSON serializable: "}
