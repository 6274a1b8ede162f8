"""Read a text word by word, before it is parsed.

SQL parsers accept far more than one expression, and what a word is depends on the attributes there are: ``date`` may be
an attribute, a function, a type or the start of a literal. Here every word is either part of the fixed vocabulary in a
place where it belongs, or a function that is known, or an attribute; anything else is refused where it stands. What
passes is a list of tokens that the parser can read in one way only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlglot.tokens import Token, TokenType

from datajoint.errors import QuerySyntaxError
from datajoint.usertext import vocabulary as v
from datajoint.usertext.faults import cut, did_you_mean, unknown_attribute, unreadable
from datajoint.usertext.names import find_name

_WORD = re.compile(r"[^\W\d][\w$]*(\s+[^\W\d][\w$]*)*\Z")
# Words inside the parentheses of certain functions that another operand follows.
_BEFORE_OPERANDS = {
    "FROM": {"extract", "trim", "substring"},
    "FOR": {"substring"},
    "ORDER BY": {"group_concat", "string_agg"},
}
_SUBQUERY = "statements and subqueries have no place here"


@dataclass(slots=True)
class _Frame:
    """An open parenthesis, call, or CASE; `interval` tells that a unit is due."""

    kind: str
    start: int
    interval: bool = False


class Reader:
    """Reads the tokens of one text.

    Parameters
    ----------
    text : str
    tokens : list of Token
        As the tokenizer of MySQL's grammar cuts it.
    names : sequence of str
        The attributes there are.
    functions : collection of str
        The functions there are, in lower case.
    quoted_names : bool
        Whether a double-quoted text that is exactly an attribute's name means the attribute.
    """

    def __init__(
        self, text: str, tokens: list[Token], names: Sequence[str], functions: Sequence[str], *, quoted_names: bool
    ) -> None:
        self._text, self._tokens, self._names, self._functions = text, tokens, names, functions
        self._quoted_names = quoted_names
        self._index = 0
        self._read: list[Token] = []
        self._frames: list[_Frame] = [_Frame("text", 0)]
        self._operand_due = True

    def read(self) -> list[Token]:
        """Return the tokens to parse.

        Raises
        ------
        QuerySyntaxError, UnknownAttributeError
        """
        while self._index < len(self._tokens):
            token = self._tokens[self._index]
            if self._operand_due:
                self._operand(token)
            else:
                self._operator(token)
        if self._operand_due:
            raise unreadable(self._text, len(self._text.rstrip()), "it ends where a value is expected")
        if len(self._frames) > 1:
            frame = self._frames[-1]
            raise unreadable(self._text, frame.start, "CASE without END" if frame.kind == "case" else "( without )")
        return self._read

    # --- looking
    def _source(self, offset: int = 0) -> str:
        """The characters of the token `offset` after the current one."""
        index = self._index + offset
        if not 0 <= index < len(self._tokens):
            return ""
        token = self._tokens[index]
        return self._text[token.start : token.end + 1]

    def _word(self, offset: int = 0) -> str:
        source = self._source(offset)
        return " ".join(source.upper().split()) if _WORD.match(source) else ""

    def _is_string(self, offset: int = 0) -> bool:
        return self._source(offset)[:1] in {"'", '"'}

    def _is_name(self, offset: int = 0) -> bool:
        return bool(self._word(offset)) or self._source(offset)[:1] == "`"

    def _ends_operand(self) -> bool:
        """Tell whether the next token can follow an operand but not begin one."""
        source, word = self._source(1), self._word(1)
        if word == "WHEN":
            return self._word(-1) == "CASE"  # CASE WHEN begins an expression, unless the word is the subject of one
        if self._frames[-1].interval and word in v.UNITS:
            return True
        if source in {"", ")", ",", "::"} or word in v.CONNECTIVES | {"IS", "IN", "THEN", "ELSE", "END"}:
            return True
        return source in v.SYMBOLS - {"-", "+", "*"}

    def _fault(self, why: str, hint: str = "") -> QuerySyntaxError:
        return unreadable(self._text, self._tokens[self._index].start, why, hint=hint)

    # --- moving
    def _take(self, count: int = 1, *, operand_due: bool) -> None:
        """Pass `count` tokens on as they are."""
        self._read.extend(self._tokens[self._index : self._index + count])
        self._index += count
        self._operand_due = operand_due

    def _put(self, kind: TokenType, text: str, *, skip: int = 1, operand_due: bool = False) -> None:
        """Pass on a token of another kind in place of the next `skip`."""
        token = self._tokens[self._index]
        self._read.append(Token(kind, text, token.line, token.col, token.start, token.end))
        self._index += skip
        self._operand_due = operand_due

    def _open(self, kind: str) -> None:
        """Pass on an opening parenthesis."""
        self._frames.append(_Frame(kind, self._tokens[self._index].start))
        self._take(operand_due=True)

    def _close(self) -> None:
        if self._frames[-1].kind in {"text", "case"}:
            raise self._fault("unexpected `)`")
        self._frames.pop()
        self._take(operand_due=False)

    # --- where a value is expected
    def _operand(self, token: Token) -> None:
        source = self._source()
        if self._is_string():
            self._string(token)
        elif token.token_type in {TokenType.NUMBER, TokenType.HEX_STRING}:
            self._take(operand_due=False)
        elif source[:1] == "`" or self._word():
            self._word_as_operand(token)
        elif source == "." and self._source(1).isdecimal() and self._tokens[self._index + 1].start == token.end + 1:
            self._take(2, operand_due=False)  # .5
        elif source == "(":
            self._open("group")
        elif source in {"-", "+", "!"}:
            self._take(operand_due=True)
        elif source == ")" and self._source(-1) == "(" and self._frames[-1].kind not in {"group", "in"}:
            self._close()
        elif source == "*" and self._source(-1) == "(" and self._frames[-1].kind == "count" and self._source(1) == ")":
            self._take(operand_due=False)
        elif source == ")" and self._frames[-1].kind == "in":
            raise self._fault("the list after IN is empty", "An empty list matches nothing: restrict by [] instead.")
        else:
            raise self._fault(f"`{source}` where a value is expected")

    def _string(self, token: Token) -> None:
        if self._quoted_names and self._source()[0] == '"' and token.text in self._names:
            self._put(TokenType.IDENTIFIER, token.text)
        else:
            self._take(operand_due=False)

    def _word_as_operand(self, token: Token) -> None:
        word = self._word()
        frame = self._frames[-1]
        is_name = find_name(token.text, self._names) is not None
        first = self._source(-1) == "("
        if word in v.UNITS and first and frame.kind in {"timestampdiff", "timestampadd", "extract"}:
            self._put(TokenType.VAR, word)
        elif word in v.TRIM_SIDES and first and frame.kind == "trim" and not self._ends_operand():
            self._take(operand_due=True)
        elif word in v.CONSTANTS:
            self._take(operand_due=False)
        elif word in v.PREFIXES and not (is_name and self._ends_operand()):
            self._prefix(word)
        elif word == "WHEN" and frame.kind == "case" and self._read[-1].token_type == TokenType.CASE:
            self._take(operand_due=True)
        elif self._source(1) == "(" and word:
            self._call(word)
        elif word in v.TYPED_LITERALS and self._is_string(1):
            self._typed_literal(word)
        elif is_name or self._source(1) == ".":
            self._name()
        elif word in v.BARE_FUNCTIONS:
            self._empty_call(word.lower())
        elif word in v.STATEMENTS:
            raise self._fault(f"{word} is not accepted: {_SUBQUERY}")
        else:
            raise unknown_attribute(self._text, token.start, token.text, self._names)

    def _prefix(self, word: str) -> None:
        if word == "DISTINCT" and self._source(-1) != "(":
            raise self._fault("unexpected `DISTINCT`")
        if word == "CASE":
            self._frames.append(_Frame("case", self._tokens[self._index].start))
        elif word == "INTERVAL":
            self._frames[-1].interval = True
        self._take(operand_due=True)

    def _call(self, word: str) -> None:
        name = word.lower()
        if word in v.STATEMENTS and name not in self._functions:
            raise self._fault(f"{word} is not accepted: {_SUBQUERY}")
        if name not in self._functions:
            raise self._fault(
                f"unknown function `{name}`",
                did_you_mean(name, self._functions) if _near(name, self._functions) else "",
            )
        self._put(TokenType.VAR, name)
        self._open(name)

    def _typed_literal(self, word: str) -> None:
        literal = self._tokens[self._index + 1]
        self._put(TokenType.VAR, word.lower(), skip=0)
        self._put(TokenType.L_PAREN, "(", skip=1)
        self._read.append(literal)
        self._put(TokenType.R_PAREN, ")")

    def _empty_call(self, name: str) -> None:
        self._put(TokenType.VAR, name, skip=0)
        self._put(TokenType.L_PAREN, "(", skip=0)
        self._put(TokenType.R_PAREN, ")")

    def _name(self) -> None:
        # Of a qualified name, schema.table.attribute, the last part decides.
        while self._source(1) == "." and self._is_name(2):
            self._index += 2
        token = self._tokens[self._index]
        if self._source(1) == "(":
            raise self._fault("only functions without a schema can be called")
        name = find_name(token.text, self._names)
        if name is None:
            raise unknown_attribute(self._text, token.start, token.text, self._names)
        self._put(TokenType.IDENTIFIER, name)

    # --- after a value
    def _operator(self, token: Token) -> None:
        source, word, frame = self._source(), self._word(), self._frames[-1]
        if source == ")":
            self._close()
        elif source == "," and frame.kind not in {"text", "case", "cast"}:
            self._take(operand_due=True)
        elif source == "%" and self._source(1) == "%" and token.end + 1 == self._tokens[self._index + 1].start:
            self._put(TokenType.MOD, "%", skip=2, operand_due=True)  # written so for formatting drivers
        elif source in v.SYMBOLS or word in v.CONNECTIVES:
            self._take(operand_due=True)
        elif source == "::":
            self._take(operand_due=False)
            self._type_name()
        elif word and self._word_as_operator(word, frame):
            pass
        else:
            raise self._fault(f"unexpected `{cut(source, 30)}`", self._advice(source, word))

    def _advice(self, source: str, word: str) -> str:
        if source == "==":
            return "Equality is written =."
        if word in {"ASC", "DESC"}:
            return "Directions belong in order_by."
        if word == "AS":
            return "Name a computed attribute by keyword: proj(new='expression')."
        if word in {"OVER", "FILTER"}:
            return "Window functions are not supported."
        return ""

    def _word_as_operator(self, word: str, frame: _Frame) -> bool:
        """Pass on a word that may follow an operand here; tell whether it may."""
        if word == "NOT" and self._word(1) in v.NEGATABLE:
            self._take(operand_due=False)
        elif word == "IN" and self._source(1) == "(":
            self._take(operand_due=False)
            self._open("position" if frame.kind == "position" else "in")
        elif word == "IN" and frame.kind == "position":
            self._put(TokenType.COMMA, ",", operand_due=True)
        elif word == "IS":
            return self._is()
        elif frame.interval and word in v.UNITS:
            self._put(TokenType.VAR, word)
            frame.interval = False
        elif frame.kind == "case" and word in {"WHEN", "THEN", "ELSE"}:
            self._take(operand_due=True)
        elif frame.kind == "case" and word == "END":
            self._frames.pop()
            self._take(operand_due=False)
        elif frame.kind == "cast" and word == "AS":
            self._take(operand_due=False)
            self._type_name()
        else:
            return self._word_inside_call(word, frame.kind)
        return True

    def _word_inside_call(self, word: str, function: str) -> bool:
        if function in _BEFORE_OPERANDS.get(word, ()):
            self._take(operand_due=True)
        elif word in {"ASC", "DESC"} and function in {"group_concat", "string_agg"}:
            self._take(operand_due=False)
        elif word == "SEPARATOR" and function == "group_concat" and self._is_string(1):
            self._take(2, operand_due=False)
        else:
            return False
        return True

    def _is(self) -> bool:
        length = 2 if self._word(1) == "NOT" else 1
        if self._word(length) not in v.TRUTHS:
            return False
        self._take(length, operand_due=False)
        if self._word() == "UNKNOWN":
            self._put(TokenType.NULL, "NULL")
        else:
            self._take(operand_due=False)
        return True

    def _type_name(self) -> None:
        """Pass on a type: words of types, then up to two numbers in parentheses."""
        words = self._word().lower().split()
        if not words or words[0] not in v.CASTS or not set(words[1:]) <= v.CAST_MODIFIERS:
            if self._index >= len(self._tokens):
                raise unreadable(self._text, len(self._text), "it ends where a type is expected")
            raise self._fault(f"`{self._source()}` is no type to cast to", f"Types are {', '.join(sorted(v.CASTS))}.")
        self._take(operand_due=False)
        if self._source() == "(":
            count = next(self._numbers(), 0)
            if not count:
                raise self._fault("a type takes one or two numbers")
            self._take(count, operand_due=False)

    def _numbers(self) -> Iterator[int]:
        for numbers in (1, 2):
            pattern = ["("] + ["#", ","] * numbers
            pattern[-1] = ")"
            if all(self._matches(offset, symbol) for offset, symbol in enumerate(pattern)):
                yield len(pattern)

    def _matches(self, offset: int, symbol: str) -> bool:
        return self._source(offset).isdecimal() if symbol == "#" else self._source(offset) == symbol


def _near(word: str, known: Sequence[str]) -> bool:
    return did_you_mean(word, known).startswith("Did")
