"""Comparisons: a literal takes the type of what it meets, two operands meet as one type."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from datajoint.errors import InvalidValueError
from datajoint.sql.fragment import Sql
from datajoint.usertext.operand import COMPARISON, CONJUNCTION, DISJUNCTION, NEGATION, NO_LITERAL, Builder, Operand
from datajoint.usertext.unify import unify
from datajoint.values.compare import Comparison
from datajoint.values.compare import compare as decide
from datajoint.values.model import BOOL, TEXT, ValueType

MIRRORED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_ORDERED = frozenset({"<", "<=", ">", ">="})


def compared(build: Builder, operator: str, left: Operand, right: Operand) -> Operand:
    """Return ``left operator right``, one of ``=  <>  <  <=  >  >=``.

    Raises
    ------
    InvalidValueError
        If a literal cannot be read as the type of the other side.
    QuerySyntaxError
        For types that cannot be compared.
    """
    if left.is_null or right.is_null:
        return replace(build.literal(None), type=BOOL)
    if left.is_literal and not right.is_literal:
        left, right, operator = right, left, MIRRORED[operator]
    if not right.is_literal:
        return _both(build, operator, left, right)
    left = replace(left, literal=NO_LITERAL)
    if left.path:
        left = _path_for(build, left, right.literal)
        right = build.literal(_path_value(right.literal))
    if left.type.kind == "unknown":
        return build.infix(operator, left, right, type=BOOL, rank=COMPARISON)
    return _decided(build, left, literal_comparison(build, left, operator, right.literal))


def literal_comparison(build: Builder, left: Operand, operator: str, value: Any) -> Comparison:
    """Return how an operand is compared with a literal; errors name the attribute."""
    try:
        return decide(left.type, operator, value, infinity=build.backend.dialect.float_infinity)
    except InvalidValueError as error:
        error.attribute = error.attribute or left.attribute
        if left.attribute and f"`{left.attribute}`" not in str(error):
            raise type(error)(
                f"Attribute `{left.attribute}`: {error.args[0] if error.args else ''}".strip(),
                attribute=left.attribute,
                value=value,
                hint=error.hint,
            ) from error
        raise


def _decided(build: Builder, left: Operand, decision: Comparison) -> Operand:
    if decision.outcome != "bound":
        return settled(build, left, holds=decision.outcome == "all")
    operator, kind = decision.operator, left.type.kind
    if kind == "bool":
        return truth_value(build, left, bool(decision.value) == (operator == "="))
    if kind == "json":
        equal = Operand(
            build.backend.json_equals(left.sql, decision.value),
            BOOL,
            left.nullable,
            COMPARISON,
            aggregate=left.aggregate,
        )
        return equal if operator == "=" else negated(build, equal)
    # By place enums are texts, whatever the engine keeps them as.
    value_type = TEXT if kind == "enum" and operator in _ORDERED else left.type
    value = Operand(build.backend.bind(value_type, decision.value), value_type)
    return build.infix(operator, placed(build, operator, left), value, type=BOOL, rank=COMPARISON)


def settled(build: Builder, operand: Operand, *, holds: bool) -> Operand:
    """Return what is true (or false) unless the operand is NULL."""
    if not operand.nullable:
        return replace(build.literal(holds), aggregate=operand.aggregate)
    rank = DISJUNCTION if holds else CONJUNCTION
    return build.make("always" if holds else "never", operand, type=BOOL, rank=rank)


def truth_value(build: Builder, left: Operand, value: bool) -> Operand:
    """Return the condition that a truth value is the given one."""
    if value or not left.attribute:
        truth = build.truth(left)
        return truth if value else negated(build, truth)
    return build.make("not stored bool", left, type=BOOL, rank=COMPARISON)


def negated(build: Builder, operand: Operand) -> Operand:
    """Return NOT of a condition; NULL stays NULL."""
    if operand.is_null:
        return operand
    if isinstance(operand.literal, bool):
        return build.literal(not operand.literal)
    sql = Sql("NOT ", Sql("(", operand.sql, ")") if operand.rank else operand.sql)
    return Operand(sql, BOOL, operand.nullable, NEGATION, operand.aggregate)


def placed(build: Builder, operator: str, operand: Operand) -> Operand:
    """Return an operand as it is compared by place: text by code point, enums by label."""
    if operator not in _ORDERED:
        return operand
    if operand.type.kind == "decimal":
        build.exact(operand, "comparing")
    inner = build.wrapped(operand)
    sql = build.backend.compared(operand.type, inner)
    return operand if sql == inner else replace(operand, sql=sql, rank=COMPARISON, attribute=None)


def _both(build: Builder, operator: str, left: Operand, right: Operand) -> Operand:
    kinds = {left.type.kind, right.type.kind}
    if "unknown" in kinds:
        return build.infix(operator, left, right, type=BOOL, rank=COMPARISON)
    if "json" in kinds or ("bytes" in kinds and (len(kinds) > 1 or operator in _ORDERED)):
        hint = "Use a path, as in attribute->>'$.path'." if "json" in kinds else ""
        raise build.refused(f"{left.type.text} {operator} {right.type.text} has no meaning", hint)
    left, right = alike(build, left, right)
    return build.infix(
        operator, placed(build, operator, left), placed(build, operator, right), type=BOOL, rank=COMPARISON
    )


def alike(build: Builder, left: Operand, right: Operand) -> tuple[Operand, Operand]:
    """Return two operands as one type; only types of one family can meet.

    Raises
    ------
    QuerySyntaxError
    """
    if left.path and right.type.is_number:
        left = build.number_at(left)
    elif right.path and left.type.is_number:
        right = build.number_at(right)
    families = {_family(left), _family(right)}
    if len(families) > 1:
        raise build.refused(
            f"{left.type.text} and {right.type.text} cannot be compared", "Use cast(… as …) to make them of one type."
        )
    # Engines compare numbers of all kinds, and those with types of their own also dates with datetimes; an attribute
    # as it stands can use its index.
    if families == {"number"} and "bool" not in {left.type.kind, right.type.kind}:
        return left, right
    if families == {"moment"} and not build.manners.moments_are_text:
        return left, right
    if _alike(left.type, right.type):
        return left, right
    first, second = unify(build, (left, right), "a comparison").operands
    return first, second


def _alike(left: ValueType, right: ValueType) -> bool:
    """Tell whether engines compare two types of one family as they stand."""
    if left.kind == "enum":
        return left == right and left.enum_type == right.enum_type
    return left.kind != "char" and (left.kind, left.digits) == (right.kind, right.digits)


def _family(operand: Operand) -> str:
    kind = operand.type.kind
    if operand.type.is_number or kind == "bool":
        return "number"
    if operand.type.is_text:
        return "text"
    return "moment" if kind in {"date", "datetime", "timestamp"} else kind


def _path_for(build: Builder, operand: Operand, value: Any) -> Operand:
    """Return a value inside JSON as what it is compared with: a number, or text."""
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return build.number_at(operand)
    return replace(operand, type=TEXT, path=None)


def _path_value(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def null_safe(build: Builder, left: Operand, right: Operand) -> Operand:
    """Return ``left <=> right``: equality for which NULL is a value like any other."""
    if left.is_literal and not right.is_literal:
        left, right = right, left
    if right.is_null:
        return is_null(build, left)
    if right.is_literal:
        equal = compared(build, "=", left, right)
        return is_true(equal) if equal.nullable else equal
    if "unknown" not in {left.type.kind, right.type.kind}:
        left, right = alike(build, left, right)
    return build.make("same", left, right, type=BOOL, nullable=False, rank=COMPARISON)


def is_null(build: Builder, operand: Operand, *, value: bool = True) -> Operand:
    """Return ``operand IS NULL``, or with `value` False ``IS NOT NULL``."""
    if operand.is_literal:
        return build.literal(operand.is_null == value)
    sql = Sql(build.wrapped(operand), " IS NULL" if value else " IS NOT NULL")
    return Operand(sql, BOOL, rank=COMPARISON, aggregate=operand.aggregate)


def is_true(condition: Operand, *, value: bool = True) -> Operand:
    """Return ``condition IS TRUE`` (or FALSE), which is never NULL."""
    sql = Sql(
        "(" if condition.rank else "",
        condition.sql,
        ")" if condition.rank else "",
        f" IS {'TRUE' if value else 'FALSE'}",
    )
    return Operand(Sql(*(p for p in sql.parts if p != "")), BOOL, rank=COMPARISON, aggregate=condition.aggregate)


def among(build: Builder, operand: Operand, items: list[Operand]) -> Operand:
    """Return ``operand IN (items)``: literals travel in one list, other items are compared one by one."""
    values: list[Sql] = []
    others: list[Operand] = []
    plain = replace(operand, literal=NO_LITERAL)
    has_null = False
    for item in items:
        if item.is_null:
            has_null = True
        elif not item.is_literal or plain.path or plain.type.kind in {"unknown", "bool", "json"}:
            others.append(compared(build, "=", plain, item))
        else:
            decision = literal_comparison(build, plain, "=", item.literal)
            if decision.outcome == "bound":
                values.append(build.backend.bind(plain.type, decision.value))
    choices = others
    if values:
        sql = Sql(build.wrapped(plain, 1), " IN (", Sql.join(", ", values), ")")
        choices = [Operand(sql, BOOL, plain.nullable, COMPARISON, plain.aggregate), *others]
    if has_null:
        choices = [*choices, replace(build.literal(None), type=BOOL)]
    return joined(build, " OR ", choices) if choices else settled(build, plain, holds=False)


def joined(build: Builder, connective: str, items: list[Operand]) -> Operand:
    """Return conditions joined by AND or OR; constants fold."""
    decisive = connective == " OR "
    kept = [i for i in items if not isinstance(i.literal, bool)]
    if any(i.literal is decisive for i in items):
        return build.literal(decisive)
    if not kept:
        return build.literal(not decisive)
    if len(kept) == 1:
        return kept[0]
    rank = DISJUNCTION if decisive else CONJUNCTION
    # Without need, but for people: AND inside OR stands in parentheses too.
    sql = Sql.join(connective, [build.wrapped(i, NEGATION) for i in kept])
    return Operand(sql, BOOL, any(i.nullable for i in kept), rank, any(i.aggregate for i in kept))
