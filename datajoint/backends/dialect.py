"""What differs between engines and is data: names, limits, spellings, capabilities."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from datajoint.sql.fragment import Identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Facts of an engine. Code above asks these, never which engine it is.

    Attributes
    ----------
    name : str
        ``sqlite``, ``mysql``, ``mariadb`` or ``postgresql``.
    grammar : str
        The name by which the SQL parser knows the engine: ``sqlite``, ``mysql`` or ``postgres``.
    quote_character : str
        Around identifiers.
    placeholder : str
        ``?`` or ``%s``.
    backslash_escapes : bool
        Whether a backslash escapes inside text literals.
    joined_names : bool
        Whether a table's physical name is ``schema.table`` in one identifier, because the engine has no schemas.
    max_identifier_length : int
        In the engine's unit (characters or bytes).
    default_port : int or None
        None for an embedded engine.
    transactional_ddl : bool
        Whether creating a table can be rolled back.
    inline_comments, inline_indexes : bool
        Whether ``CREATE TABLE`` itself carries comments and indexes.
    enum_types : bool
        Whether enums are types of their own, to be created before a table.
    func_dep_group_by : bool
        Whether ``GROUP BY key`` allows attributes that the key determines.
    nulls_first : bool
        Whether ascending order puts NULL first by itself.
    returning : bool
        Whether ``INSERT … RETURNING`` exists.
    float_infinity : bool
        Whether a float column can hold infinity.
    row_comparison : bool
        Whether an index serves ``(a, b) > (1, 2)``; if not, the same is spelt out with OR.
    movable_columns : bool
        Whether an existing table's columns can be put into another order.
    generated_key_alone : bool
        Whether a generated number that is part of a longer key must be unique by itself.
    error_ends_transaction : bool
        Whether a failed statement dooms the transaction that it is in, unless a savepoint precedes it.
    pipelines : bool
        Whether several statements can be sent before the first answer is waited for; after an error none is run.
    embedded : bool
        Whether the engine works in this process, whose state a forked child must not inherit.
    thread_bound : bool
        Whether a driver's connection must be used by the thread alone that opened it.
    conflict_codes : frozenset
        Codes of errors with which the engine ends one of several transactions that cannot all go on.
    server_time_class : str
        ``timedelta`` or ``time``: what a native ``time`` attribute is fetched as.
    """

    name: str
    grammar: str
    quote_character: str
    placeholder: str
    backslash_escapes: bool = False
    joined_names: bool = False
    max_identifier_length: int = 64
    default_port: int | None = None
    transactional_ddl: bool = True
    inline_comments: bool = False
    inline_indexes: bool = False
    enum_types: bool = False
    func_dep_group_by: bool = True
    nulls_first: bool = True
    returning: bool = True
    float_infinity: bool = False
    movable_columns: bool = True
    exact_decimal_digits: int = 65
    unsigned64: bool = True
    generated_key_alone: bool = False
    error_ends_transaction: bool = False
    pipelines: bool = False
    embedded: bool = False
    thread_bound: bool = False
    conflict_codes: frozenset[int | str] = frozenset()
    json_equality: bool = True
    row_comparison: bool = True
    time_class: str = "timedelta"

    def literal(self, value: Any) -> str:
        """Write a driver's value as the engine reads it; for people, since statements bind their values."""
        if value is None:
            return "NULL"
        if isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        if isinstance(value, float) and math.isinf(value):
            infinite = "'Infinity'::float8" if self.grammar == "postgres" else "9e999"
            return infinite if value > 0 else f"-{infinite}"
        if isinstance(value, int | float | Decimal):
            return str(value)
        if isinstance(value, bytes | bytearray | memoryview):
            digits = bytes(value).hex()
            return f"'\\x{digits}'" if self.grammar == "postgres" else f"X'{digits}'"
        if isinstance(value, list | tuple):
            return "ARRAY[" + ", ".join(map(self.literal, value)) + "]"
        text = str(value).replace("'", "''")
        return "'" + (text.replace("\\", "\\\\") if self.backslash_escapes else text) + "'"

    def quote_name(self, name: str) -> str:
        """Quote one name, doubling the quote character inside."""
        return _quoted(self.quote_character, False, (name,))

    def quote(self, identifier: Identifier) -> str:
        """Quote an identifier of one or more parts."""
        return _quoted(self.quote_character, self.joined_names, identifier.parts)


@lru_cache(maxsize=4096)  # a statement quotes dozens of names, and most of them are those of the one before
def _quoted(mark: str, joined: bool, parts: tuple[str, ...]) -> str:
    names = (".".join(parts),) if joined and len(parts) == 2 else parts  # noqa: PLR2004 - schema and table
    return ".".join(mark + name.replace(mark, mark + mark) + mark for name in names)
