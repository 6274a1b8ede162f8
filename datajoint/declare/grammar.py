"""Read the text of a definition: lines to frozen items, each knowing where it stands.

Nothing here knows a type, a context or a database; those belong to `resolve`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from datajoint.errors import DefinitionError
from datajoint.naming import did_you_mean

QUOTES = "\"'`"
FOREIGN_KEY_OPTIONS = ("nullable", "unique")

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_WORD = re.compile(r"\w+")
_ARROW = re.compile(r"""[^"'#]*?->""")
_INDEX = re.compile(r"(?P<unique>unique\s+)?index\s*\((?P<columns>.*)\)\s*(#.*)?\Z", re.IGNORECASE)
_UNFINISHED_INDEX = re.compile(r"(unique\s+)?index\s*\(", re.IGNORECASE)
_OPENING, _CLOSING = "([", ")]"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an item stands: the line's number from 1, its text, and the column from 0."""

    line: int
    source: str
    column: int = 0

    def at(self, column: int) -> Place:
        """Return another place in the same line."""
        return Place(self.line, self.source, column)

    def error(self, message: str, hint: str | None = None, *, attribute: str | None = None) -> DefinitionError:
        """Return the error that points here."""
        return DefinitionError(
            message, hint=hint, attribute=attribute, line=self.line, column=self.column, source=self.source
        )


@dataclass(frozen=True, slots=True)
class ParsedAttribute:
    """``name = default : type # comment``; `default` is the text as written, None where there is none."""

    name: str
    default: str | None
    type_text: str
    comment: str
    in_key: bool
    name_place: Place
    default_place: Place
    type_place: Place


@dataclass(frozen=True, slots=True)
class ParsedReference:
    """``-> [options] expression``."""

    expression: str
    options: frozenset[str]
    in_key: bool
    place: Place


@dataclass(frozen=True, slots=True)
class ParsedIndex:
    """``unique index (column, …)``; each column with its place."""

    columns: tuple[tuple[str, Place], ...]
    unique: bool
    place: Place


@dataclass(frozen=True, slots=True)
class ParsedDefinition:
    """A definition as written: the table's comment, and its items in order."""

    comment: str
    items: tuple[ParsedAttribute | ParsedReference | ParsedIndex, ...]
    text: str = ""


def parse_definition(text: str) -> ParsedDefinition:
    """Read a definition.

    Parameters
    ----------
    text : str
        One item a line: ``name = default : type # comment``, ``-> Parent``, ``index (a, b)``. A line of three dashes
        ends the primary key. A first line that begins with ``#`` is the table's comment.

    Returns
    -------
    ParsedDefinition

    Raises
    ------
    DefinitionError
        Pointing to the line and the place in it that cannot be read.
    """
    comment, items, in_key = "", [], True
    for number, line in enumerate(text.strip().split("\n"), start=1):
        place = Place(number, line.strip())
        source = place.source
        if number == 1 and source.startswith("#"):
            comment = source[1:].strip()
            if comment.startswith(":"):
                raise place.at(source.index(":")).error("A table comment must not start with a colon.", "Remove it.")
        elif not source or source.startswith("#"):
            continue
        elif source.startswith("---"):
            in_key = False
        else:
            items.append(_parse_item(place, in_key=in_key))
    return ParsedDefinition(comment, tuple(items), text)


def _parse_item(place: Place, *, in_key: bool) -> ParsedAttribute | ParsedReference | ParsedIndex:
    source = place.source
    if arrow := _ARROW.match(source):
        return _parse_reference(place, arrow.end(), in_key=in_key)
    if index := _INDEX.match(source):
        return _parse_index(place, index)
    if _UNFINISHED_INDEX.match(source):
        raise place.at(source.index("(")).error("The parenthesis of this index is never closed.", "Add `)`.")
    return _parse_attribute(place, in_key=in_key)


# --- attributes


def _parse_attribute(place: Place, *, in_key: bool) -> ParsedAttribute:
    source = place.source
    name = _parse_name(place)
    after = _skip_blanks(source, len(name))
    default, default_place = None, place
    if source.startswith("=", after):
        default_place = place.at(_skip_blanks(source, after + 1))
        colon = _find(default_place, ":#")
        if colon is None or source[colon] == "#":
            end = len(source) if colon is None else colon
            written = source[default_place.column : end].strip()
            raise place.at(end).error(
                f"`{name}` has no type.", f"Write `{name} = {written or 'default'} : type`.", attribute=name
            )
        default = source[default_place.column : colon].strip()
        if not default:
            raise default_place.error(f"`{name}` has an empty default.", f'Write `{name} = "" : …` for empty text.')
        after = colon
    elif not source.startswith(":", after):
        raise place.at(after).error(
            f"A colon is missing after `{name}`.", "Write `name : type # comment`.", attribute=name
        )
    type_place = place.at(_skip_blanks(source, after + 1))
    type_text, end = _parse_type(name, type_place)
    return ParsedAttribute(
        name, default, type_text, _parse_comment(place, end), in_key, place, default_place, type_place
    )


def _parse_name(place: Place) -> str:
    source = place.source
    word = _WORD.match(source)
    if word is None:
        hint = (
            "Write `---` for the end of the primary key."
            if source.startswith("-")
            else "Write `name : type # comment`."
        )
        raise place.error(
            "Declaration error in position 1: this line is neither attribute, foreign key nor index.", hint
        )
    name = word.group()
    if name.startswith("_"):
        raise place.error(
            f"The name `{name}` starts with an underscore; such names are reserved for platform-managed attributes.",
            "Choose another name.",
            attribute=name,
        )
    if not _NAME.match(name):
        bad = next((i for i, c in enumerate(name) if not _NAME.match("a" + c) or (i == 0 and c.isdigit())), 0)
        proper = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
        hint = f"Write `{proper}`." if _NAME.match(proper) else "Begin with a letter."
        raise place.at(bad).error(
            f"Declaration error in position {bad + 1}: `{name}` is no attribute name; "
            "names are lower-case letters, digits and underscores, a letter first.",
            hint,
            attribute=name,
        )
    return name


def _parse_type(name: str, place: Place) -> tuple[str, int]:
    """Return the type's text and the column where it ends."""
    source, start = place.source, place.column
    if source.startswith("<", start):
        close = source.find(">", start)
        if close < 0:
            raise place.error(
                f"The type of `{name}` is never closed.", "Write `<codec>` or `<codec@store>`.", attribute=name
            )
        end = _skip_blanks(source, close + 1)
        if end < len(source) and source[end] != "#":
            raise place.at(end).error(
                "Nothing but a comment may follow a codec.", "Begin comments with `#`.", attribute=name
            )
        return source[start : close + 1], end
    hash_sign = _find(place, "#")
    end = len(source) if hash_sign is None else hash_sign
    text = source[start:end].strip()
    if not text:
        raise place.error(f"`{name}` has no type.", f"Write `{name} : type`.", attribute=name)
    _check_balance(place, end)
    wrong = _find(place, "=", end)
    if wrong is not None:
        written = source[wrong + 1 : end].strip() or "default"
        raise place.at(wrong).error(
            "A default stands before the type.",
            f"Write `{name} = {written} : {source[start:wrong].strip()}`.",
            attribute=name,
        )
    return text, end


def _parse_comment(place: Place, start: int) -> str:
    source = place.source
    comment = source[start + 1 :].strip()
    if comment.startswith(":"):
        raise place.at(source.index(":", start)).error(
            "An attribute comment must not start with a colon.", "Remove it."
        )
    return comment


# --- foreign keys and indexes


def _parse_reference(place: Place, start: int, *, in_key: bool) -> ParsedReference:
    source = place.source
    if not source.startswith("->"):
        raise place.error(
            "Nothing may stand before the arrow of a foreign key.", "Write `-> Parent` or `-> Parent.proj(new='old')`."
        )
    start = _skip_blanks(source, start)
    options: frozenset[str] = frozenset()
    if source.startswith("[", start):
        close = source.find("]", start)
        if close < 0:
            raise place.at(start).error(
                "The bracket of these options is never closed.", "Write `-> [nullable] Parent`."
            )
        options = _parse_options(place, start + 1, close)
        start = _skip_blanks(source, close + 1)
    expression_place = place.at(start)
    end = _find(expression_place, "#")
    expression = source[start : len(source) if end is None else end].strip()
    if not expression:
        raise expression_place.error("This foreign key names no table.", "Write `-> Parent`.")
    if in_key and "nullable" in options:
        raise place.at(source.index("[")).error(
            "A foreign key of the primary key cannot be nullable.", "Move it below `---`, or remove `nullable`."
        )
    return ParsedReference(expression, options, in_key, expression_place)


def _parse_options(place: Place, start: int, end: int) -> frozenset[str]:
    options = set()
    for word in re.finditer(r"[^,\s]+", place.source[start:end]):
        option = word.group().lower()
        if option not in FOREIGN_KEY_OPTIONS:
            hint = did_you_mean(option, FOREIGN_KEY_OPTIONS) or "Options are `nullable` and `unique`."
            raise place.at(start + word.start()).error(f"Invalid foreign key option `{word.group()}`.", hint)
        options.add(option)
    if not options:
        raise place.at(start).error("Invalid foreign key option: the brackets are empty.", "Remove them.")
    return frozenset(options)


def _parse_index(place: Place, match: re.Match[str]) -> ParsedIndex:
    start, end = match.span("columns")
    columns = []
    for first, last in _split(place, start, end):
        column = place.source[first:last].strip()
        column_place = place.at(_skip_blanks(place.source, first))
        if not column:
            raise column_place.error("This index has an empty column.", "Write `index (a, b)`.")
        columns.append((column, column_place))
    return ParsedIndex(tuple(columns), bool(match["unique"]), place)


# --- scanning


def _skip_blanks(source: str, start: int) -> int:
    while start < len(source) and source[start].isspace():
        start += 1
    return start


def _unquoted(place: Place, end: int | None = None) -> Iterator[tuple[int, str]]:
    """Yield the characters from `place` on that are outside quotes; a quote never closed is an error."""
    source, quote, opened = place.source, "", 0
    for i in range(place.column, len(source) if end is None else end):
        character = source[i]
        if quote:
            quote = "" if character == quote else quote
        elif character in QUOTES:
            quote, opened = character, i
        else:
            yield i, character
    if quote:
        raise place.at(opened).error(
            "The quote that opens here is never closed.", f"Add {quote} at the end of the text."
        )


def _find(place: Place, characters: str, end: int | None = None) -> int | None:
    """Return where the first of `characters` outside quotes stands."""
    source, start = place.source, place.column
    if not any(quote in source for quote in QUOTES):
        return min((i for c in characters if (i := source.find(c, start, end)) >= 0), default=None)
    return next((i for i, c in _unquoted(place, end) if c in characters), None)


def _check_balance(place: Place, end: int) -> None:
    opened: list[int] = []
    if not any(bracket in place.source for bracket in _OPENING + _CLOSING):
        return
    for i, character in _unquoted(place, end):
        if character in _OPENING:
            opened.append(i)
        elif character in _CLOSING:
            if not opened:
                raise place.at(i).error("This parenthesis closes nothing.", "Remove it.")
            opened.pop()
    if opened:
        raise place.at(opened[-1]).error("The parenthesis that opens here is never closed.", "Add `)`.")


def _split(place: Place, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the spans between commas that stand outside quotes and parentheses."""
    depth, first = 0, start
    for i, character in _unquoted(place.at(start), end):
        depth += (character in _OPENING) - (character in _CLOSING)
        if character == "," and depth == 0:
            yield first, i
            first = i + 1
    yield first, end
