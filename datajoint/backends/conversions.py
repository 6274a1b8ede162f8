"""How INSERT … SELECT turns values of one type into another's, so that it stores what an insert from Python would.

Fractions of a second are cut and numbers are rounded here; what is out of a column's range, its own type or check
refuses.
"""

from __future__ import annotations

from datajoint.backends import postgres_values, sqlite_values
from datajoint.sql.fragment import Sql
from datajoint.values.model import ValueType

_MICROSECOND_DIGITS = 6
_MOMENTS = {"datetime", "timestamp"}
_NUMBERS = {"int", "year", "float32", "float64", "decimal"}


# --- PostgreSQL
def postgres(source: ValueType, target: ValueType, x: Sql) -> Sql:
    """Return `x` of type `source` as a PostgreSQL column of type `target` takes it."""
    if "unknown" in {source.kind, target.kind}:
        return x
    if source.kind == "enum" or (target.kind == "enum" and source.is_text):
        text = Sql("(", x, ")::text")
        return Sql(text, f"::{target.enum_type}") if target.kind == "enum" and target.enum_type else text
    if target.kind in _MOMENTS and source.kind in {*_MOMENTS, "text", "varchar", "char"}:
        return _postgres_cut(Sql("(", x, ")::timestamp"), target.digits)
    if target.kind == "time" and source.kind == "time":
        return Sql("(", _postgres_cut(Sql("(date '2000-01-01' + ", x, ")"), target.digits), ")::time")
    if target.kind == "bool":
        return x if source.kind == "bool" else Sql("(", x, ")::text::boolean")
    if source.kind == "bool":
        return Sql("(", x, ")::int", "::text" if target.is_text else "")
    if source.kind in _MOMENTS and target.is_text:
        return Sql(
            "to_char(", x, f", '{_POSTGRES_PATTERNS.get(source.digits, _POSTGRES_PATTERNS[_MICROSECOND_DIGITS])}')"
        )
    if source.is_text and not target.is_text:
        cast = "::numeric" if target.kind in {"int", "year"} else postgres_values.placeholder(target)[1]
        return Sql("(", x, ")", cast)
    return x


_POSTGRES_PATTERNS = {
    digits: "YYYY-MM-DD HH24:MI:SS" + (f".FF{digits}" if digits else "") for digits in range(_MICROSECOND_DIGITS + 1)
}


def _postgres_cut(x: Sql, digits: int) -> Sql:
    if digits == _MICROSECOND_DIGITS:
        return x
    second = Sql("date_trunc('second', ", x, ")")
    if not digits:
        return second
    step = 10 ** (_MICROSECOND_DIGITS - digits)
    kept = Sql("trunc(extract(microseconds from ", x, f") % 1000000 / {step}) * {step}")
    return Sql(second, " + ", kept, " * interval '1 microsecond'")


# --- MySQL and MariaDB, whose sessions cut fractions of a second by themselves
def mysql(source: ValueType, target: ValueType, x: Sql) -> Sql:
    """Return `x` of type `source` as a column of type `target` takes it."""
    if source.kind == "enum":  # beside a number it would be its position
        return Sql("CAST(", x, " AS CHAR)")
    if source.kind in _MOMENTS and target.kind == "date":
        return Sql("DATE(", x, ")")
    if source.kind == "float32" and target.kind != "float32":  # of which six digits are printed
        return Sql("CAST(", x, " AS DOUBLE)")
    if source.kind == "uuid" and target.is_text:
        text = Sql("LOWER(HEX(", x, "))")
        for place in (9, 14, 19, 24):
            text = Sql("INSERT(", text, f", {place}, 0, '-')")
        return text
    if target.kind == "uuid" and source.is_text:
        return Sql("UNHEX(REPLACE(", x, ", '-', ''))")
    return x


# --- SQLite
def sqlite(source: ValueType, target: ValueType, x: Sql) -> Sql:
    """Return `x` of type `source` as a SQLite column of type `target` takes it."""
    if target.kind in _MOMENTS and (source.kind in {*_MOMENTS, "date"} or source.is_text):
        return _sqlite_cut(Sql(x, " || ' 00:00:00'") if source.kind == "date" else x, 19, target.digits)
    if target.kind == "time" and source.kind == "time":
        return _sqlite_cut(x, 8, target.digits)
    if target.kind == "date" and source.kind in _MOMENTS:
        return Sql("substr(", x, ", 1, 10)")
    if source.kind in _NUMBERS and target.kind in {"int", "year"}:
        rounded = Sql("round(" if source.kind == "decimal" else "dj_round(", x, ")")
        # A cast would quietly end at 64 bits; beyond, the column refuses the float.
        return x if source.kind in {"int", "year"} else Sql(
            "CASE WHEN abs(", x, ") < 9.2e18 THEN CAST(", rounded, " AS INTEGER) ELSE ", x, " END"
        )  # fmt: skip
    if target.kind == "decimal" and source.kind in _NUMBERS:
        return _sqlite_decimal(target, x)
    if target.kind == "float32" and source.kind in _NUMBERS:
        return Sql("dj_float32(", x, ")")
    if source.kind == "uuid" and target.is_text:
        digits = Sql("lower(hex(", x, "))")
        pieces = [
            Sql("substr(", digits, f", {start}, {size})")
            for start, size in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
        ]
        return Sql.join(" || '-' || ", pieces)
    if target.kind == "uuid" and source.is_text:
        return Sql("dj_bytes(replace(", x, ", '-', ''))")
    return x


def _sqlite_cut(x: Sql, whole: int, digits: int) -> Sql:
    """Write exactly `digits` digits after the first `whole` characters."""
    if not digits:
        return Sql("substr(", x, f", 1, {whole})")
    filled = Sql("(", x, ") || CASE WHEN instr(", x, ", '.') THEN '000000' ELSE '.000000' END")
    return Sql("substr(", filled, f", 1, {whole + 1 + digits})")


def _sqlite_decimal(target: ValueType, x: Sql) -> Sql:
    scale = target.scale or 0
    if sqlite_values.exact_in_double(target):
        return Sql("round((", x, f") * 1e{scale}) / 1e{scale}")
    return Sql(f"printf('%.{scale}f', ", x, ")")
