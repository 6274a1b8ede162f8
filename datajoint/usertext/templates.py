"""How each operation is written on each engine: one row an operation, so that its meanings stand side by side.

``{0}`` is an operand: it is put in parentheses unless it is a name, a parameter, a call, or stands alone between
parentheses and commas. ``<word>`` is a word of the vocabulary or a whole number, never text of the user.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from datajoint.sql.fragment import Sql
from datajoint.usertext.fragment import is_delimited

_GRAMMARS = ("mysql", "sqlite", "postgres")

# Of a text on PostgreSQL, the number it begins with, as MySQL and SQLite read it.
_PREFIX = "COALESCE(substring({0} FROM '%s'), CASE WHEN {0} IS NOT NULL THEN '0' END)"
_INTEGER_PREFIX = _PREFIX % r"^\s*[-+]?\d+"
_NUMBER_PREFIX = _PREFIX % r"^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_HEX_GROUPS = "CONCAT(" + ", '-', ".join(
    f"LOWER(HEX(SUBSTR({{0}}, {start}, {length})))" for start, length in ((1, 4), (5, 2), (7, 2), (9, 2), (11, 6))
) + ")"  # fmt: skip
_HEX_GROUPS_LITE = "CASE WHEN {0} IS NOT NULL THEN " + " || '-' || ".join(
    f"lower(hex(substr({{0}}, {start}, {length})))" for start, length in ((1, 4), (5, 2), (7, 2), (9, 2), (11, 6))
) + " END"  # fmt: skip

_JSON_NUMBER = "^(true|false|-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?)$"
_ROUNDED = (
    "CASE WHEN {1} >= 0 THEN round({0} * power(10::float8, {1})) / power(10::float8, {1}) "
    "ELSE round({0} / power(10::float8, -{1})) * power(10::float8, -{1}) END"
)
# From a position on: it counts from 1, or from the end; 0 is nowhere.
_REST_LITE = (
    "CASE WHEN {1} > 0 THEN substr({0}, {1}) WHEN {1} < 0 AND -{1} <= length({0}) THEN substr({0}, {1}) "
    "WHEN {1} <= 0 THEN substr({0}, 1, 0) END"
)
_REST_POSTGRES = (
    "CASE WHEN {1} > 0 THEN substr({0}, {1}::int) WHEN {1} < 0 AND -{1} <= char_length({0}) "
    "THEN right({0}, -{1}::int) WHEN {1} <= 0 THEN left({0}, 0) END"
)
_MONTHS_POSTGRES = (
    "EXTRACT(YEAR FROM age({1}::timestamp, {0}::timestamp)) * 12 "
    "+ EXTRACT(MONTH FROM age({1}::timestamp, {0}::timestamp))"
)

# SQLite gives a sum up as soon as a part of it leaves 64 bits, also where the whole does not. The halves of the integers
# are summed for themselves, and the last branch overflows as a sum would.
_LOW = "SUM({0} & 4294967295)"
_HIGH = f"(SUM({{0}} >> 32) + ({_LOW} >> 32))"
_WIDE_SUM_LITE = (
    f"CASE WHEN {_HIGH} BETWEEN -2147483648 AND 2147483647 THEN {_HIGH} * 4294967296 + ({_LOW} & 4294967295) "
    f"ELSE abs({_HIGH} * 0 - 9223372036854775807 - 1) END"
)

Row = str | tuple[str, str, str]

# operation: the same on every engine, or (mysql, sqlite, postgres)
ROWS: dict[str, Row] = {
    # literals and types
    "int literal": ("{0}", "{0}", "{0}::bigint"),
    "float literal": ("{0}", "{0}", "{0}::float8"),
    "decimal literal": ("{0}", "{0}", "{0}::numeric"),
    "date literal": ("CAST({0} AS DATE)", "{0}", "{0}::date"),
    "datetime literal": ("CAST({0} AS DATETIME(<digits>))", "{0}", "{0}::timestamp"),
    "wide integer": ("{0}", "{0}", "{0}::bigint"),
    "unsigned integer": ("CAST({0} AS SIGNED)", "{0}", "{0}::bigint"),
    "double": ("{0} * 1e0", "{0} * 1e0", "{0}::float8"),
    "float32 as double": ("{0}", "{0}", "{0}::float8"),
    "bool as integer": ("{0}", "{0}", "{0}::int"),
    "stored bool as integer": ("{0} <> 0", "{0}", "{0}::int"),
    "json number": (
        f"CASE WHEN {{0}} REGEXP '{_JSON_NUMBER}' THEN {{1}} END",
        f"CASE WHEN {{0}} REGEXP '{_JSON_NUMBER}' THEN {{1}} END",
        f"CASE WHEN {{0}} ~ '{_JSON_NUMBER}' THEN {{1}} END",
    ),
    # truth
    "stored bool": ("{0} <> 0", "{0} = 1", "{0}"),
    "not stored bool": ("{0} = 0", "{0} = 0", "NOT {0}"),
    "same": ("{0} <=> {1}", "{0} IS {1}", "{0} IS NOT DISTINCT FROM {1}"),
    "never": "{0} IS NULL AND NULL",
    "always": "{0} IS NOT NULL OR NULL",
    "like": ("{0} LIKE {1}", r"{0} LIKE {1} ESCAPE '\'", "{0} LIKE {1}"),
    "like with escape": "{0} LIKE {1} ESCAPE {2}",
    "matches": ("{0} REGEXP {1}", "{0} REGEXP {1}", "{0} ~ {1}"),
    # numbers
    "round decimal": ("{0}", "round({0} * 1e<digits>) / 1e<digits>", "{0}"),
    "negative": "-{0}",
    "not zero": "NULLIF({0}, 0)",
    "decimal of digits": ("CAST({0} AS DECIMAL(65, <digits>))", "{0}", "round({0}::numeric, <digits>)"),
    "integer quotient": ("{0} DIV {1}", "{0} / {1}", "{0} / {1}"),
    "fraction quotient": ("{0} DIV {1}", "dj_div({0}, {1})", "trunc({0}::numeric / {1}::numeric)::bigint"),
    "integer remainder": "{0} % {1}",
    "decimal remainder": ("{0} % {1}", "dj_mod({0}, {1})", "{0} % {1}"),
    "float remainder": ("{0} % {1}", "dj_mod({0}, {1})", "({0}::numeric % {1}::numeric)::float8"),
    "ceil": ("CEILING({0})", "CAST(ceil({0}) AS REAL)", "ceil({0})"),
    "floor": ("FLOOR({0})", "CAST(floor({0}) AS REAL)", "floor({0})"),
    "ceil to integer": ("CEILING({0})", "CAST(ceil({0}) AS INTEGER)", "ceil({0})::bigint"),
    "floor to integer": ("FLOOR({0})", "CAST(floor({0}) AS INTEGER)", "floor({0})::bigint"),
    "abs": "abs({0})",
    "sign": ("SIGN({0})", "CAST(sign({0}) AS INTEGER)", "sign({0})::bigint"),
    "sqrt": ("SQRT({0})", "sqrt({0})", "CASE WHEN {0} >= 0 THEN sqrt({0}) END"),
    "exp": "exp({0})",
    "pow": "power({0}, {1})",
    "ln": ("LN({0})", "ln({0})", "CASE WHEN {0} > 0 THEN ln({0}) END"),
    "log2": ("LOG2({0})", "log2({0})", "CASE WHEN {0} > 0 THEN ln({0}) / ln(2::float8) END"),
    "log10": ("LOG10({0})", "log10({0})", "CASE WHEN {0} > 0 THEN log({0}) END"),
    "log to base": (
        "LOG({0}, {1})", "ln({1}) / NULLIF(ln({0}), 0)",
        "CASE WHEN {0} > 0 AND {1} > 0 THEN ln({1}) / NULLIF(ln({0}), 0) END",
    ),
    "round float": ("ROUND({0})", "dj_round({0}, 0)", "round({0})"),
    "round float to places": (
        "ROUND({0}, <places>)",
        "dj_round({0}, <places>)",
        "round({0} * 1e<places>::float8) / 1e<places>::float8",
    ),
    "round float to digits": ("ROUND({0}, {1})", "dj_round({0}, {1})", _ROUNDED),
    "round exact": ("ROUND({0}, {1})", "dj_round_exactly({0}, {1})", "round({0}::numeric, {1}::int)"),
    "round integer": ("ROUND({0}, {1})", "CAST(dj_round_exactly({0}, {1}) AS INTEGER)", "round({0}::numeric, {1}::int)::bigint"),
    # text
    "integer text": ("CAST({0} AS CHAR)", "CAST({0} AS TEXT)", "{0}::text"),
    "decimal text": ("CAST({0} AS CHAR)", "CASE WHEN {0} IS NOT NULL THEN printf('%.<digits>f', {0}) END", "{0}::text"),
    "stored text": ("{0}", "{0}", "{0}::text"),
    "enum text": ("CAST({0} AS CHAR)", "{0}", "{0}::text"),
    "float text": ("CAST({0} AS CHAR)", "dj_float_text({0})", "{0}::text"),
    "float32 text": ("CAST({0} AS CHAR)", "dj_float32_text({0})", "{0}::text"),
    "bool text": ("CAST({0} <> 0 AS CHAR)", "CAST({0} AS TEXT)", "{0}::int::text"),
    "date text": ("CAST({0} AS CHAR)", "{0}", "to_char({0}, 'YYYY-MM-DD')"),
    "datetime text": ("CAST({0} AS CHAR)", "{0}", "to_char({0}, 'YYYY-MM-DD HH24:MI:SS')"),
    "fraction text": ("CAST({0} AS CHAR)", "{0}", "left(to_char({0}, 'YYYY-MM-DD HH24:MI:SS.US'), <length>)"),
    "time text": ("CAST({0} AS CHAR)", "{0}", "left(to_char({0}, 'HH24:MI:SS.US'), <length>)"),
    "uuid text": (_HEX_GROUPS, _HEX_GROUPS_LITE, "{0}::text"),
    "byte length": ("LENGTH({0})", "length(CAST({0} AS BLOB))", "octet_length({0})::bigint"),
    "length": ("CHAR_LENGTH({0})", "length({0})", "char_length({0})::bigint"),
    "first characters": ("LEFT({0}, {1})", "substr({0}, 1, {1})", "left({0}, {1}::int)"),
    "head": ("LEFT({0}, {1})", "substr({0}, 1, CASE WHEN {1} > 0 THEN {1} WHEN {1} <= 0 THEN 0 END)",
             "left({0}, (CASE WHEN {1} > 0 THEN {1} WHEN {1} <= 0 THEN 0 END)::int)"),
    "tail": ("RIGHT({0}, {1})", "CASE WHEN {1} > 0 THEN substr({0}, -{1}) WHEN {1} <= 0 THEN substr({0}, 1, 0) END",
             "right({0}, (CASE WHEN {1} > 0 THEN {1} WHEN {1} <= 0 THEN 0 END)::int)"),
    "middle": ("SUBSTR({0}, {1}, {2})", "substr({0}, {1}, {2})", "substr({0}, {1}::int, {2}::int)"),
    "rest from the front": ("SUBSTR({0}, {1})", "substr({0}, {1})", "substr({0}, {1}::int)"),
    "rest": ("SUBSTR({0}, {1})", _REST_LITE, _REST_POSTGRES),
    "trim": ("TRIM({0})", "trim({0}, ' ')", "btrim({0}, ' ')"),
    "ltrim": ("LTRIM({0})", "ltrim({0}, ' ')", "ltrim({0}, ' ')"),
    "rtrim": ("RTRIM({0})", "rtrim({0}, ' ')", "rtrim({0}, ' ')"),
    "trim of": ("TRIM(BOTH {1} FROM {0})", "trim({0}, {1})", "btrim({0}, {1})"),
    "ltrim of": ("TRIM(LEADING {1} FROM {0})", "ltrim({0}, {1})", "ltrim({0}, {1})"),
    "rtrim of": ("TRIM(TRAILING {1} FROM {0})", "rtrim({0}, {1})", "rtrim({0}, {1})"),
    "upper": ("UPPER({0})", "dj_upper({0})", "upper({0})"),
    "lower": ("LOWER({0})", "dj_lower({0})", "lower({0})"),
    # MariaDB gives NULL for a NULL replacement only where there is something to replace.
    "replace by null": ("IF({2} IS NULL, NULL, REPLACE({0}, {1}, {2}))",) + ("replace({0}, {1}, {2})",) * 2,
    "replace": "replace({0}, {1}, {2})",
    "reverse": "reverse({0})",
    "lpad": ("LPAD({0}, {1}, {2})", "lpad({0}, {1}, {2})",
             "CASE WHEN {1} >= 0 THEN lpad({0}, {1}::int, {2}) END"),
    "rpad": ("RPAD({0}, {1}, {2})", "rpad({0}, {1}, {2})",
             "CASE WHEN {1} >= 0 THEN rpad({0}, {1}::int, {2}) END"),
    "position": ("LOCATE({0}, {1})", "instr({1}, {0})", "strpos({1}, {0})::bigint"),
    # casts
    "text to integer": ("CAST({0} AS SIGNED)", "CAST({0} AS INTEGER)", _INTEGER_PREFIX + "::bigint"),
    "text to double": ("{0} + 0e0", "CAST({0} AS REAL)", _NUMBER_PREFIX + "::float8"),
    "text to decimal": ("CAST({0} AS DECIMAL(<precision>, <scale>))", "dj_round_exactly(CAST({0} AS REAL), <scale>)",
                        _NUMBER_PREFIX + "::numeric(<precision>, <scale>)"),
    "number to integer": ("CAST({0} AS SIGNED)", "CAST(dj_round_exactly({0}, 0) AS INTEGER)", "{0}::bigint"),
    "float to integer": ("CAST({0} AS SIGNED)", "CAST(dj_round({0}, 0) AS INTEGER)", "{0}::bigint"),
    "number to decimal": ("CAST({0} AS DECIMAL(<precision>, <scale>))", "dj_round_exactly({0}, <scale>)",
                          "{0}::numeric(<precision>, <scale>)"),
    "to date": ("CAST({0} AS DATE)", "date({0})", "{0}::date"),
    "to datetime": ("CAST({0} AS DATETIME)", "datetime({0})", "{0}::timestamp(0)"),
    "cut text": ("LEFT({0}, <length>)", "substr({0}, 1, <length>)", "left({0}, <length>)"),
    # dates and times
    "now": ("NOW()", "datetime('now')", "date_trunc('second', statement_timestamp())::timestamp"),
    "now in milliseconds": ("NOW(3)", "strftime('%Y-%m-%d %H:%M:%f', 'now')",
                            "date_trunc('milliseconds', statement_timestamp())::timestamp"),
    "now in microseconds": ("NOW(6)", "strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'", "statement_timestamp()::timestamp"),
    "today": ("CURDATE()", "date('now')", "statement_timestamp()::date"),
    "utc now": ("UTC_TIMESTAMP()", "datetime('now')", "date_trunc('second', statement_timestamp() AT TIME ZONE 'UTC')"),
    "utc today": ("UTC_DATE()", "date('now')", "(statement_timestamp() AT TIME ZONE 'UTC')::date"),
    "midnight": ("CAST({0} AS DATETIME)", "{0} || ' 00:00:00'", "{0}::timestamp"),
    "dotted": ("{0}", "{0} || '.<zeros>'", "{0}"),
    "more digits": ("{0}", "{0} || '<zeros>'", "{0}"),
    "date of": ("DATE({0})", "substr({0}, 1, 10)", "{0}::date"),
    "year": ("CAST(YEAR({0}) AS SIGNED)", "CAST(substr({0}, 1, 4) AS INTEGER)", "EXTRACT(YEAR FROM {0})::bigint"),
    "quarter": ("QUARTER({0})", "(CAST(substr({0}, 6, 2) AS INTEGER) + 2) / 3", "EXTRACT(QUARTER FROM {0})::bigint"),
    "month": ("MONTH({0})", "CAST(substr({0}, 6, 2) AS INTEGER)", "EXTRACT(MONTH FROM {0})::bigint"),
    "day": ("DAY({0})", "CAST(substr({0}, 9, 2) AS INTEGER)", "EXTRACT(DAY FROM {0})::bigint"),
    "hour": ("HOUR({0})", "CAST(substr({0}, 12, 2) AS INTEGER)", "EXTRACT(HOUR FROM {0}::timestamp)::bigint"),
    "minute": ("MINUTE({0})", "CAST(substr({0}, 15, 2) AS INTEGER)", "EXTRACT(MINUTE FROM {0}::timestamp)::bigint"),
    "second": ("SECOND({0})", "CAST(substr({0}, 18, 2) AS INTEGER)", "floor(EXTRACT(SECOND FROM {0}::timestamp))::bigint"),
    "hour of time": ("HOUR({0})", "CAST(substr({0}, 1, 2) AS INTEGER)", "EXTRACT(HOUR FROM {0})::bigint"),
    "minute of time": ("MINUTE({0})", "CAST(substr({0}, 4, 2) AS INTEGER)", "EXTRACT(MINUTE FROM {0})::bigint"),
    "second of time": ("SECOND({0})", "CAST(substr({0}, 7, 2) AS INTEGER)", "floor(EXTRACT(SECOND FROM {0}))::bigint"),
    "day of week": ("DAYOFWEEK({0})", "strftime('%w', {0}) + 1", "EXTRACT(DOW FROM {0})::bigint + 1"),
    "weekday": ("WEEKDAY({0})", "(strftime('%w', {0}) + 6) % 7", "EXTRACT(ISODOW FROM {0})::bigint - 1"),
    "day of year": ("DAYOFYEAR({0})", "CAST(strftime('%j', {0}) AS INTEGER)", "EXTRACT(DOY FROM {0})::bigint"),
    "days between": (
        "DATEDIFF({0}, {1})", "CAST(julianday(substr({0}, 1, 10)) - julianday(substr({1}, 1, 10)) AS INTEGER)",
        "({0}::date - {1}::date)::bigint",
    ),
    "months between": (
        "TIMESTAMPDIFF(MONTH, {0}, {1})", "timestampdiff('month', {0}, {1})",
        f"({_MONTHS_POSTGRES})::bigint",
    ),
    "years between": (
        "TIMESTAMPDIFF(YEAR, {0}, {1})", "timestampdiff('year', {0}, {1})",
        "EXTRACT(YEAR FROM age({1}::timestamp, {0}::timestamp))::bigint",
    ),
    "quarters between": (
        "TIMESTAMPDIFF(QUARTER, {0}, {1})", "timestampdiff('quarter', {0}, {1})",
        f"trunc(({_MONTHS_POSTGRES}) / 3)::bigint",
    ),
    "periods between": (
        "TIMESTAMPDIFF(<unit>, {0}, {1})", "timestampdiff('<unit>', {0}, {1})",
        "trunc(EXTRACT(EPOCH FROM {1}::timestamp - {0}::timestamp) / <seconds>)::bigint",
    ),
    "date plus": ("{0} + INTERVAL {1} <unit>", "dj_moved({0}, {1}, '<unit>')",
                  "({0} + {1} * INTERVAL '<count> <pgunit>')::date"),
    "datetime plus": ("{0} + INTERVAL {1} <unit>", "dj_moved({0}, {1}, '<unit>')",
                      "{0} + {1} * INTERVAL '<count> <pgunit>'"),
    "date format": ("DATE_FORMAT({0}, {1})", "dj_date_format({0}, {1})", "to_char({0}::timestamp, {1})"),
    # choices
    "if": "CASE WHEN {0} THEN {1} ELSE {2} END",
    "null if": "CASE WHEN {0} THEN NULL ELSE {1} END",
    # aggregates
    "count rows": "COUNT(*)",
    "count": "COUNT(<distinct>{0})",
    "sum": "SUM(<distinct>{0})",
    "sum of wide integers": ("SUM({0})", _WIDE_SUM_LITE, "SUM({0})"),
    "sum of decimals": ("SUM(<distinct>{0})", "round(SUM(<distinct>{0}) * 1e<digits>) / 1e<digits>", "SUM(<distinct>{0})"),
    "avg": "AVG(<distinct>{0})",
    "min": "MIN({0})",
    "max": "MAX({0})",
    "min of bools": ("MIN({0})", "MIN({0})", "bool_and({0})"),
    "max of bools": ("MAX({0})", "MAX({0})", "bool_or({0})"),
    "min of uuids": ("MIN({0})", "MIN({0})", "MIN({0}::text)::uuid"),
    "max of uuids": ("MAX({0})", "MAX({0})", "MAX({0}::text)::uuid"),
    "std": ("STDDEV_POP({0})", "std({0})", "stddev_pop({0})"),
    "variance": ("VAR_POP({0})", "variance({0})", "var_pop({0})"),
    "sample std": ("STDDEV_SAMP({0})", "stddev_samp({0})", "stddev_samp({0})"),
    "sample variance": ("VAR_SAMP({0})", "var_samp({0})", "var_samp({0})"),
}  # fmt: skip


class ListForm(NamedTuple):
    """How a list of operands is written: what stands before, between and after them."""

    before: str
    between: str
    after: str


LISTS: dict[str, tuple[ListForm, ListForm, ListForm]] = {
    "concat": (ListForm("CONCAT(", ", ", ")"), ListForm("", " || ", ""), ListForm("", " || ", "")),
    "greatest": (ListForm("GREATEST(", ", ", ")"), ListForm("max(", ", ", ")"), ListForm("greatest(", ", ", ")")),
    "least": (ListForm("LEAST(", ", ", ")"), ListForm("min(", ", ", ")"), ListForm("least(", ", ", ")")),
    "coalesce": (ListForm("COALESCE(", ", ", ")"),) * 3,
}


class Manners(NamedTuple):
    """What else differs between grammars.

    Attributes
    ----------
    moments_are_text : bool
        Whether dates and times are kept as text, so that only equally long ones can be compared.
    extremes_skip_null : bool
        Whether ``greatest`` and ``least`` pass over NULL.
    concatenated_null_is_zero : bool
        Whether ``group_concat`` sorts NULL as if it were 0.
    formats_are_patterns : bool
        Whether the format of a date is a pattern such as ``YYYY``.
    """

    moments_are_text: bool = False
    extremes_skip_null: bool = False
    concatenated_null_is_zero: bool = False
    formats_are_patterns: bool = False


MANNERS = {
    "mysql": Manners(concatenated_null_is_zero=True),
    "sqlite": Manners(moments_are_text=True),
    "postgres": Manners(extremes_skip_null=True, formats_are_patterns=True),
}


class Template(NamedTuple):
    """Text around operands: ``texts[0] operands[0] texts[1] …``; `bare` tells which need no parentheses."""

    texts: tuple[str, ...]
    operands: tuple[int, ...]
    bare: tuple[bool, ...]
    atomic: bool


def list_form(operation: str, grammar: str) -> ListForm:
    """Return how a list of operands is written."""
    return LISTS[operation][_GRAMMARS.index(grammar)]


@lru_cache(maxsize=1024)
def template(operation: str, grammar: str, words: tuple[tuple[str, str], ...] = ()) -> Template:
    """Return how `operation` is written in `grammar`, with `words` put in."""
    row = ROWS[operation]
    text = row if isinstance(row, str) else row[_GRAMMARS.index(grammar)]
    for word, value in words:
        text = text.replace(f"<{word}>", value)
    return compiled(text)


@lru_cache(maxsize=1024)
def compiled(text: str) -> Template:
    """Return a template's text cut at its operands."""
    pieces = re.split(r"\{(\d+)\}", text)
    texts, operands = tuple(pieces[::2]), tuple(map(int, pieces[1::2]))
    bare = tuple(
        text == "{0}" or is_delimited(texts[i], texts[i + 1]) or _is_branch(texts[i], texts[i + 1])
        for i in range(len(operands))
    )
    return Template(texts, operands, bare, _is_atomic(text))


def fill(form: Template, operands: Sequence[Sql], wrapped: Sequence[bool]) -> Sql:
    """Put operands into a template; `wrapped` tells which need parentheses where they do not stand alone."""
    parts: list[str | Sql] = [form.texts[0]]
    for number, bare, after in zip(form.operands, form.bare, form.texts[1:], strict=True):
        if wrapped[number] and not bare:
            parts += ["(", operands[number], ")", after]
        else:
            parts += [operands[number], after]
    return Sql(*(part for part in parts if part != ""))


def _is_branch(before: str, after: str) -> bool:
    return before.endswith(("WHEN ", "THEN ", "ELSE ")) and after.startswith((" THEN", " WHEN", " ELSE", " END"))


def _is_atomic(text: str) -> bool:
    """Tell whether the text is one call, one CASE, or one operand with casts, whatever the operands are."""
    if text.startswith("CASE ") and text.endswith(" END") and text.count("CASE ") == 1:
        return True
    rest = re.sub(r"(::\w+(\([^()]*\))?)+$", "", text)
    if re.fullmatch(r"\{\d\}|\w*", rest):
        return True
    opened = re.match(r"\w*\(", rest)
    if not opened or not rest.endswith(")"):
        return False
    depth = 0
    for position, character in enumerate(rest):
        depth += (character == "(") - (character == ")")
        if depth == 0 and position >= opened.end() - 1:
            return position == len(rest) - 1
    return False
