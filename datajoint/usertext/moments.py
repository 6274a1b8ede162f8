"""The functions of dates and times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from datajoint.usertext.arithmetic import moved
from datajoint.usertext.calls import Call, Handler
from datajoint.usertext.operand import Builder, Operand
from datajoint.values.model import DATE, DATETIME, INT, TEXT, ValueType

_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400, "WEEK": 604800}
_PERIODS = {"MONTH": "months between", "QUARTER": "quarters between", "YEAR": "years between"}

# MySQL's codes as patterns of PostgreSQL.
_PATTERNS = {
    "Y": "YYYY", "y": "YY", "m": "MM", "c": "FMMM", "d": "DD", "e": "FMDD", "H": "HH24", "k": "FMHH24", "h": "HH12",
    "I": "HH12", "l": "FMHH12", "i": "MI", "s": "SS", "S": "SS", "f": "US", "T": "HH24:MI:SS", "r": "HH12:MI:SS AM",
    "M": "FMMonth", "b": "Mon", "W": "FMDay", "a": "Dy", "j": "DDD", "p": "AM",
}  # fmt: skip


def _part(unit: str) -> Handler:
    """Return the handler of a function that takes a date apart."""

    def handler(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:
        return part(build, unit, arguments[0], name)

    return handler


def part(build: Builder, unit: str, operand: Operand, name: str) -> Operand:
    """Return the year, month, … of a date or datetime, the hour, minute or second of a time, as an integer."""
    if unit in {"hour", "minute", "second"} and operand.type.kind == "time":
        return build.make(f"{unit} of time", operand, type=INT)
    return build.make(unit, build.moment(operand, f"{name}()"), type=INT)


def _now(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:
    digits = arguments[0].literal if arguments else 0
    operation = {0: "now", 3: "now in milliseconds", 6: "now in microseconds"}.get(digits)
    if operation is None:
        raise build.refused(f"{name}() takes 0, 3 or 6 digits of a second")
    return build.make(operation, type=ValueType("datetime", "datetime", core=False, digits=digits))


def _constant(operation: str, result: ValueType) -> Handler:
    return lambda build, _name, _arguments: build.make(operation, type=result)


def date_of(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:
    """Return the day of a datetime."""
    moment = build.moment(arguments[0], f"{name}()")
    return moment if moment.type.kind == "date" else build.make("date of", moment, type=DATE)


def _timestamp(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:
    moment = build.moment(arguments[0], f"{name}()")
    if not arguments[0].is_literal or moment.type.kind != "date":
        return build.as_datetime(moment, moment.type.digits)
    return build.moment_literal(f"{arguments[0].literal} 00:00:00")


def _datediff(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:
    return build.make("days between", *(build.moment(a, f"{name}()") for a in arguments), type=INT)


def time_between(build: Builder, unit: str, begin: Operand, end: Operand) -> Operand:
    """Return how many whole units lie between two moments."""
    begin, end = build.moment(begin, "timestampdiff()"), build.moment(end, "timestampdiff()")
    if unit in _PERIODS:
        return build.make(_PERIODS[unit], begin, end, type=INT)
    words: dict[str, Any] = {"unit": unit, "seconds": _SECONDS[unit]}
    return build.make("periods between", begin, end, type=INT, words=words)


def time_added(build: Builder, unit: str, count: Operand, moment: Operand) -> Operand:
    """Return ``timestampadd(unit, count, moment)``."""
    return moved(build, moment, count, unit)


def _date_format(build: Builder, name: str, arguments: Sequence[Operand]) -> Operand:
    moment, form = build.moment(arguments[0], f"{name}()"), arguments[1].literal
    if not isinstance(form, str):
        raise build.refused(f"{name}() takes a format that is written out")
    pieces = _format_pieces(build, form)
    if build.manners.formats_are_patterns:
        form = _postgres_format(pieces)
    return build.make("date format", moment, build.literal(form), type=TEXT)


def _format_pieces(build: Builder, form: str) -> list[tuple[bool, str]]:
    """Cut a format into codes (True) and the text between them (False)."""
    pieces: list[tuple[bool, str]] = []
    characters = iter(form)
    for character in characters:
        code = next(characters, "") if character == "%" else ""
        if character != "%" or code == "%":
            pieces.append((False, character))
        elif code in _PATTERNS:
            pieces.append((True, code))
        else:
            raise build.refused(
                f"date_format() has no code %{code}", f"Codes are {' '.join('%' + c for c in _PATTERNS)}."
            )
    return pieces


def _postgres_format(pieces: list[tuple[bool, str]]) -> str:
    # Text is quoted; an empty quotation keeps neighbouring patterns apart.
    escaped = {'"': '\\"', "\\": "\\\\"}
    return '""'.join(_PATTERNS[text] if is_code else f'"{escaped.get(text, text)}"' for is_code, text in pieces)


MOMENTS: dict[str, Call] = {
    "year": Call(1, 1, _part("year")), "quarter": Call(1, 1, _part("quarter")), "month": Call(1, 1, _part("month")),
    "day": Call(1, 1, _part("day")), "dayofmonth": Call(1, 1, _part("day")), "hour": Call(1, 1, _part("hour")),
    "minute": Call(1, 1, _part("minute")), "second": Call(1, 1, _part("second")),
    "dayofweek": Call(1, 1, _part("day of week")), "weekday": Call(1, 1, _part("weekday")),
    "dayofyear": Call(1, 1, _part("day of year")),
    "now": Call(0, 1, _now), "current_timestamp": Call(0, 1, _now), "localtime": Call(0, 1, _now),
    "localtimestamp": Call(0, 1, _now),
    "curdate": Call(0, 0, _constant("today", DATE)), "current_date": Call(0, 0, _constant("today", DATE)),
    "utc_timestamp": Call(0, 0, _constant("utc now", DATETIME)), "utc_date": Call(0, 0, _constant("utc today", DATE)),
    "date": Call(1, 1, date_of), "timestamp": Call(1, 1, _timestamp), "datediff": Call(2, 2, _datediff),
    "date_format": Call(2, 2, _date_format),
}  # fmt: skip
PARTS = {"YEAR", "QUARTER", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"}
