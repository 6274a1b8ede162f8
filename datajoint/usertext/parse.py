"""From text to a syntax tree: the parser, reduced to expressions."""

from __future__ import annotations

import re
from functools import lru_cache

from sqlglot import exp
from sqlglot.dialects.mysql import MySQL
from sqlglot.errors import ParseError, TokenError
from sqlglot.parsers.mysql import MySQLParser
from sqlglot.tokens import TokenType

from datajoint.usertext.faults import unreadable
from datajoint.usertext.functions import FUNCTIONS
from datajoint.usertext.words import Reader

_SPECIAL_CALLS = ("CAST", "EXTRACT", "GROUP_CONCAT", "STRING_AGG", "SUBSTRING", "TRIM")


class _ExpressionParser(MySQLParser):
    """MySQL's expressions; calls keep their names, apart from those with words of their own inside."""

    FUNCTIONS = {}  # noqa: RUF012 - the parser's own way of configuration
    FUNCTION_PARSERS = {name: MySQLParser.FUNCTION_PARSERS[name] for name in _SPECIAL_CALLS}  # noqa: RUF012
    NO_PAREN_FUNCTIONS = {}  # noqa: RUF012
    NO_PAREN_FUNCTION_PARSERS = {  # noqa: RUF012
        name: MySQLParser.NO_PAREN_FUNCTION_PARSERS[name] for name in ("CASE", "IF")
    }
    DISJUNCTION = {k: x for k, x in MySQLParser.DISJUNCTION.items() if k != TokenType.DPIPE}  # noqa: RUF012
    EXPONENT = {TokenType.DPIPE: exp.DPipe}  # noqa: RUF012 - binds tighter than arithmetic


class _UserText(MySQL):
    """MySQL's grammar with ``||`` for concatenation and JSON paths left as they are written."""

    Parser = _ExpressionParser

    class Tokenizer(MySQL.Tokenizer):
        COMMANDS = set()  # noqa: RUF012 - no word swallows the rest of a text

    def to_json_path(self, path: exp.Expr | None) -> exp.Expr | None:
        return path


_DIALECT = _UserText()


@lru_cache(maxsize=2048)
def parse(text: str, names: tuple[str, ...], quoted_names: bool) -> exp.Expr:
    """Return the syntax tree of one expression, its columns in the spelling of `names`.

    Raises
    ------
    QuerySyntaxError
        For anything but one expression of the vocabulary; with the position.
    UnknownAttributeError
        For a name that is not in `names`.
    """
    try:
        tokens = _DIALECT.tokenize(text)
    except TokenError as error:
        raise unreadable(text, _open_quote(text), "a quotation is not closed") from error
    if not tokens:
        raise unreadable(text, 0, "it is empty")
    read = Reader(text, tokens, names, tuple(FUNCTIONS), quoted_names=quoted_names).read()
    try:
        tree = _DIALECT.parser().parse_into(exp.Condition, read, text)[0]
    except ParseError as error:
        raise unreadable(text, _position(text, error), "it is no expression") from error
    except RecursionError:
        raise unreadable(text, 0, "it is nested too deeply") from None
    if tree is None:
        raise unreadable(text, 0, "it is no expression")
    return tree


def _position(text: str, error: ParseError) -> int:
    first = error.errors[0] if error.errors else {}
    line, column = first.get("line") or 1, first.get("col") or 1
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    return max(0, min(start + column - 1, len(text)))


def _open_quote(text: str) -> int:
    """Return where the quotation begins that never ends."""
    closed = re.compile(r"""'(?:[^'\\]|\\.|'')*+'|"(?:[^"\\]|\\.|"")*+"|`[^`]*`|[^'"`]""", re.DOTALL)
    position = 0
    while match := closed.match(text, position):
        position = match.end()
    return min(position, max(0, len(text) - 1))
