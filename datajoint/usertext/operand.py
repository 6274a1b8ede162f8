"""A part of an expression on its way to SQL: what it is written as, and what it is known to be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from datajoint.errors import QuerySyntaxError
from datajoint.sql.fragment import Sql
from datajoint.usertext.faults import refused
from datajoint.usertext.fragment import hole
from datajoint.usertext.templates import MANNERS, compiled, fill, list_form, template
from datajoint.values.compare import compare
from datajoint.values.model import BOOL, DATE, FLOAT, INT, TEXT, UNKNOWN, ValueType

if TYPE_CHECKING:
    from datajoint.backends.base import Backend
    from datajoint.heading import Attribute

ATOM, ARITHMETIC, COMPARISON, NEGATION, CONJUNCTION, DISJUNCTION = range(6)
BYTES = ValueType("bytes", "bytes", core=False)
MOMENT = ValueType("datetime", "datetime(6)", core=False, digits=6)

_INT64 = 2**63
_LITERALS = {
    "decimal": "decimal literal", "date": "date literal", "datetime": "datetime literal",
    "timestamp": "datetime literal",
}  # fmt: skip
_TEXTS = {
    "bool": "bool text", "date": "date text", "datetime": "datetime text", "timestamp": "datetime text", "uuid": "uuid text",
    "char": "stored text", "enum": "enum text", "float64": "float text", "float32": "float32 text",
}  # fmt: skip


class _NoLiteral:
    """The absence of a literal, because None is one."""


NO_LITERAL: Final = _NoLiteral()


@dataclass(frozen=True, slots=True)
class Operand:
    """A piece of SQL with what is known of it.

    Attributes
    ----------
    sql : Sql
    type : ValueType
    nullable : bool
    rank : int
        How loosely its outermost operator binds; decides about parentheses.
    aggregate : bool
    literal : object
        The Python value of a literal; an exact number with a point is a `Decimal`.
    attribute : str or None
        The name of a bare attribute.
    path : tuple of (Sql, str) or None
        Of a value inside a JSON attribute, the attribute and the path.
    """

    sql: Sql
    type: ValueType
    nullable: bool = False
    rank: int = ATOM
    aggregate: bool = False
    literal: Any = NO_LITERAL
    attribute: str | None = None
    path: tuple[Sql, str] | None = None

    @property
    def is_literal(self) -> bool:
        """Whether it is written out in the text."""
        return self.literal is not NO_LITERAL

    @property
    def is_null(self) -> bool:
        """Whether it is the literal NULL."""
        return self.literal is None


class Builder:
    """Composes operands for one engine.

    Parameters
    ----------
    text : str
        What the user wrote, for errors.
    backend : Backend
    """

    def __init__(self, text: str, backend: Backend) -> None:
        self.source = text
        self.backend = backend
        self.grammar: str = backend.dialect.grammar
        self.manners = MANNERS[self.grammar]

    def refused(self, why: str, hint: str = "") -> QuerySyntaxError:
        """Return the error for a text that means nothing."""
        return refused(self.source, why, hint)

    # --- composing
    def make(
        self,
        operation: str,
        *operands: Operand,
        type: ValueType,  # noqa: A002 - the field's name
        nullable: bool | None = None,
        rank: int | None = None,
        words: dict[str, Any] | None = None,
    ) -> Operand:
        """Return `operation` applied to `operands`; unless told otherwise it can be NULL if an operand can."""
        form = template(operation, self.grammar, tuple((k, str(x)) for k, x in words.items()) if words else ())
        return self._filled(form, operands, type, nullable, rank)

    def written(self, form: str, *operands: Operand, type: ValueType, nullable: bool) -> Operand:  # noqa: A002 - the field's name
        """Return operands put into a text that is no operation of the table, such as a CASE of any length."""
        return self._filled(compiled(form), operands, type, nullable, None)

    def listed(self, operation: str, operands: Sequence[Operand], *, type: ValueType, nullable: bool) -> Operand:  # noqa: A002 - as above
        """Return `operation` applied to a list of operands."""
        form = list_form(operation, self.grammar)
        called = form.before.endswith("(")
        items = Sql.join(form.between, [o.sql if called else self.wrapped(o) for o in operands])
        rank = ATOM if called or len(operands) == 1 else ARITHMETIC
        sql = Sql(form.before, items, form.after) if called else items
        return Operand(sql, type, nullable, rank, aggregate=any(o.aggregate for o in operands))

    def infix(
        self,
        symbol: str,
        left: Operand,
        right: Operand,
        *,
        type: ValueType,  # noqa: A002 - the field's name
        rank: int = ARITHMETIC,
    ) -> Operand:
        """Return ``left symbol right``."""
        return self._filled(compiled(f"{{0}} {symbol} {{1}}"), (left, right), type, None, rank)

    def _filled(
        self, form: Any, operands: Sequence[Operand], type_: ValueType, nullable: bool | None, rank: int | None
    ) -> Operand:
        if form.texts == ("", ""):
            rank = operands[0].rank
        elif rank is None:
            rank = ATOM if form.atomic else ARITHMETIC
        # Around comparisons arithmetic needs no parentheses, around arithmetic everything does.
        limit = ARITHMETIC if rank == COMPARISON else ATOM
        sql = fill(form, [o.sql for o in operands], [o.rank > limit for o in operands])
        return Operand(
            sql,
            type_,
            nullable=any(o.nullable for o in operands) if nullable is None else nullable,
            rank=rank,
            aggregate=any(o.aggregate for o in operands),
        )

    def wrapped(self, operand: Operand, limit: int = ATOM) -> Sql:
        """Return the SQL in parentheses if its operator binds looser than `limit`."""
        return Sql("(", operand.sql, ")") if operand.rank > limit else operand.sql

    # --- leaves
    def attribute(self, attribute: Attribute) -> Operand:
        """Return an attribute."""
        return Operand(
            Sql(hole(attribute.name)), attribute.value_type, nullable=attribute.nullable, attribute=attribute.name
        )

    def literal(self, value: Any) -> Operand:
        """Return a literal with the type it has by itself."""
        if value is None:
            return Operand(Sql("NULL"), UNKNOWN, nullable=True, literal=None)
        if isinstance(value, bool):
            return Operand(Sql("TRUE" if value else "FALSE"), BOOL, literal=value)
        if isinstance(value, int) and -_INT64 <= value < _INT64:
            return replace(self._bound(INT, value, "int literal"), literal=value)
        if isinstance(value, (int, float, Decimal)):
            return replace(self._bound(FLOAT, float(value), "float literal"), literal=value)
        if isinstance(value, bytes):
            return replace(self._bound(BYTES, value), literal=value)
        return replace(self._bound(TEXT, value), literal=value)

    def _bound(self, value_type: ValueType, value: Any, cast: str | None = None) -> Operand:
        operand = Operand(self.backend.bind(value_type, value), value_type)
        return self.make(cast, operand, type=value_type, words={"digits": value_type.digits}) if cast else operand

    def bound(self, value_type: ValueType, value: Any) -> Operand:
        """Return a canonical value of a type as a parameter whose type every engine knows."""
        return self._bound(value_type, value, _LITERALS.get(value_type.kind))

    # --- coercions
    def integer(self, operand: Operand, what: str = "arithmetic") -> Operand:
        """Return an operand as an integer, of 64 bits on every engine."""
        number = self.number(operand, what)
        if number.type.kind not in {"int", "unknown"}:
            raise self.refused(f"{what} takes an integer, not {number.type.text}", "Use round() or cast(… as signed).")
        return number

    def number(self, operand: Operand, what: str = "arithmetic") -> Operand:
        """Return an operand as a number.

        Truth values count as 0 and 1, a text that is written out counts as the number it spells.
        """
        kind = operand.type.kind
        if operand.is_literal:
            return self._literal_number(operand, what)
        if operand.path:
            return self.number_at(operand)
        if kind == "bool":
            name = "stored bool as integer" if operand.attribute else "bool as integer"
            return self.make(name, operand, type=INT)
        if kind in {"int", "year"}:
            return self._wide_integer(operand)
        if kind == "float32":
            return self.make("float32 as double", operand, type=FLOAT)
        if kind == "decimal":
            self.exact(operand, what)
        if kind in {"decimal", "float64", "unknown"}:
            return operand
        raise self.refused(*_no_number(operand, what))

    def _wide_integer(self, operand: Operand) -> Operand:
        value_type = operand.type
        if not operand.attribute or value_type.text in {"int64", "bigint", "bigint unsigned"}:
            return operand
        # Negative results of unsigned integers are errors on MySQL.
        unsigned = value_type.kind == "year" or value_type.low == 0
        return self.make("unsigned integer" if unsigned else "wide integer", operand, type=INT)

    def _literal_number(self, operand: Operand, what: str) -> Operand:
        value = operand.literal
        if isinstance(value, bool):
            return self.literal(int(value))
        if isinstance(value, str):
            try:
                exact = Decimal(value.strip())
            except ArithmeticError:
                exact = Decimal("nan")
            if not exact.is_finite():
                raise self.refused(f"the text {value!r} is no number, as {what} needs")
            return self.literal(int(exact) if exact == exact.to_integral_value() and "." not in value else exact)
        if isinstance(value, bytes):
            raise self.refused(f"{what} takes numbers, not bytes")
        return operand

    def exact(self, operand: Operand, what: str) -> None:
        """Refuse decimals that the engine can only store.

        Raises
        ------
        QuerySyntaxError
        """
        digits = operand.type.precision or 0
        if operand.type.kind == "decimal" and digits > self.backend.dialect.exact_decimal_digits:
            raise self.refused(
                f"{operand.type.text} has too many digits for {what} on this engine", "Fetch the values instead."
            )

    def double(self, operand: Operand, what: str = "arithmetic") -> Operand:
        """Return an operand as a number in double precision."""
        if operand.attribute and operand.type.kind == "int":
            return self.make("double", operand, type=FLOAT)
        number = self.number(operand, what)
        if number.is_literal and not number.is_null:
            return replace(self._bound(FLOAT, float(number.literal), "float literal"), literal=float(number.literal))
        if number.type.kind == "float64":
            return number
        return self.make("double", number, type=FLOAT)

    def text_of(self, operand: Operand) -> Operand:
        """Return an operand as the text that every engine makes of it."""
        if operand.is_literal:
            return self.literal(_spelled(operand.literal))
        kind, digits = operand.type.kind, operand.type.digits
        if kind in {"varchar", "text"}:
            return operand
        if kind in {"bytes", "json"}:
            hint = "Use a path, as in attribute->>'$.path'." if kind == "json" else ""
            raise self.refused(f"{operand.type.text} has no text", hint)
        words: dict[str, Any] = {}
        name = _TEXTS.get(kind, "integer text")
        if kind == "decimal":
            # Decimals that the engine cannot reckon with are kept as text.
            stored = (operand.type.precision or 0) > self.backend.dialect.exact_decimal_digits
            name, words = ("stored text", {}) if stored else ("decimal text", {"digits": operand.type.scale or 0})
        elif kind == "time" or (digits and kind in {"datetime", "timestamp"}):
            name = "time text" if kind == "time" else "fraction text"
            words = {"length": (8 if kind == "time" else 19) + (digits + 1 if digits else 0)}
        return self.make(name, operand, type=TEXT, words=words)

    def text(self, operand: Operand, what: str) -> Operand:
        """Return an operand that must be text, or is turned into it, without blanks that an engine pads with."""
        if operand.type.is_temporal and operand.is_literal:
            raise self.refused(f"{what} takes text")
        return self.text_of(operand)

    def truth(self, operand: Operand, what: str = "a condition") -> Operand:
        """Return an operand as a condition: a number counts as true unless it is 0."""
        value, kind = operand.literal, operand.type.kind
        if operand.is_literal:
            if value is None:
                return operand
            if isinstance(value, (bool, int, float, Decimal)):
                return self.literal(bool(value))
        elif kind == "bool":
            return self.make("stored bool", operand, type=BOOL, rank=COMPARISON) if operand.attribute else operand
        elif operand.type.is_number:
            return self.infix("<>", operand, self._zero(operand), type=BOOL, rank=COMPARISON)
        elif kind == "unknown":
            return replace(operand, type=BOOL)
        raise self.refused(f"{operand.type.text} is not {what}", "Compare it with something.")

    def _zero(self, operand: Operand) -> Operand:
        return Operand(Sql("0"), operand.type)

    def text_at(self, document: Operand, path: str) -> Operand:
        """Return the value at a path of a JSON attribute as text, NULL for JSON's null and for what is missing."""
        sql, value_type = self.backend.json_path(document.sql, path, None)
        return Operand(
            sql, value_type, nullable=True, rank=ARITHMETIC, aggregate=document.aggregate, path=(document.sql, path)
        )

    def number_at(self, value: Operand) -> Operand:
        """Return a value inside JSON as a number: truth values are 1 and 0, text that is no number is NULL."""
        document, path = value.path or (value.sql, "")
        number = Operand(self.backend.json_path(document, path, "double")[0], FLOAT, nullable=True)
        return self.make("json number", value, number, type=FLOAT, nullable=True)

    def moment(self, operand: Operand, what: str) -> Operand:
        """Return an operand that is a date or a datetime."""
        if isinstance(operand.literal, str):
            return self.moment_literal(operand.literal)
        if operand.type.kind in {"date", "datetime", "timestamp", "unknown"}:
            return operand
        hint = "Use cast(… as date) or cast(… as datetime)." if operand.type.is_text else ""
        raise self.refused(f"{what} takes a date or datetime, not {operand.type.text}", hint)

    def moment_literal(self, value: str) -> Operand:
        """Return a written date, or datetime if it has a time part.

        Raises
        ------
        InvalidValueError
            If the text is no date.
        """
        moment = compare(MOMENT, "=", value).value
        if moment.time() == dt.time() and ":" not in value:
            return self.bound(DATE, moment.date())
        digits = 6 if moment.microsecond else 0
        return self.bound(ValueType("datetime", "datetime", core=False, digits=digits), moment)

    def as_datetime(self, operand: Operand, digits: int) -> Operand:
        """Return a date or datetime written with so many digits of a second, so that engines that keep text can compare."""
        own, moment = operand.type.digits, operand
        if operand.type.kind == "date":
            own, moment = 0, self.make("midnight", operand, type=ValueType("datetime", "datetime", core=False))
        return self.more_digits(moment, own, digits)

    def more_digits(self, operand: Operand, own: int, digits: int) -> Operand:
        """Return a time with zeros added to its fraction, where the engine keeps text."""
        if digits <= own:
            return operand
        name = "more digits" if own else "dotted"
        return self.make(
            name, operand, type=replace(operand.type, digits=digits), words={"zeros": "0" * (digits - own)}
        )


def _spelled(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


def _no_number(operand: Operand, what: str) -> tuple[str, str]:
    name = f"`{operand.attribute}` ({operand.type.text})" if operand.attribute else operand.type.text
    if operand.type.is_text:
        target = f"cast({operand.attribute or '…'} as decimal(20,6))"
        return f"{what} takes numbers, and {name} is text", f"Use {target} or another type if it holds numbers."
    if operand.type.is_temporal:
        return f"{what} takes numbers, not {name}", "Use datediff, timestampdiff, or + interval 1 day."
    return f"{what} takes numbers, not {name}", ""
