"""The words that a text may consist of, apart from the names of attributes and functions."""

from __future__ import annotations

# Between two operands.
SYMBOLS = frozenset({"=", "<>", "!=", "<", ">", "<=", ">=", "<=>", "+", "-", "*", "/", "%", "||", "&&", "->", "->>"})
CONNECTIVES = frozenset({"AND", "OR", "XOR", "DIV", "MOD", "LIKE", "ILIKE", "REGEXP", "RLIKE", "ESCAPE", "BETWEEN"})
NEGATABLE = frozenset({"IN", "LIKE", "ILIKE", "REGEXP", "RLIKE", "BETWEEN"})
TRUTHS = frozenset({"NULL", "TRUE", "FALSE", "UNKNOWN"})

# Before an operand, or instead of one.
PREFIXES = frozenset({"NOT", "CASE", "INTERVAL", "DISTINCT"})
CONSTANTS = frozenset({"NULL", "TRUE", "FALSE"})
BARE_FUNCTIONS = frozenset({"CURRENT_DATE", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP"})
TYPED_LITERALS = frozenset({"DATE", "TIMESTAMP"})
TRIM_SIDES = frozenset({"BOTH", "LEADING", "TRAILING"})

# Days and longer leave a date a date.
DAYS = frozenset({"DAY", "WEEK", "MONTH", "QUARTER", "YEAR"})
UNITS = DAYS | {"HOUR", "MINUTE", "SECOND"}

# Never read here; named only to say so rather than to call them unknown attributes.
STATEMENTS = frozenset({
    "SELECT", "WITH", "FROM", "WHERE", "INSERT", "UPDATE", "DELETE", "REPLACE", "DROP", "CREATE", "ALTER", "TRUNCATE",
    "TABLE", "VALUES", "CALL", "EXECUTE", "SET", "GRANT", "UNION", "EXISTS", "ANY", "ALL", "SOME", "DO",
})  # fmt: skip

# The targets of a cast, by the type that results.
CASTS = {
    "signed": "int", "unsigned": "int", "int": "int", "integer": "int", "bigint": "int", "smallint": "int",
    "double": "float64", "float": "float64", "real": "float64", "float8": "float64",
    "decimal": "decimal", "numeric": "decimal",
    "char": "text", "varchar": "text", "text": "text",
    "date": "date", "datetime": "datetime", "timestamp": "datetime",
    "bool": "bool", "boolean": "bool",
}  # fmt: skip
CAST_MODIFIERS = frozenset({"precision", "integer", "varying"})
