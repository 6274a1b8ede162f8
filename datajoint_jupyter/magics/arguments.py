"""The words behind a magic, as frozen dataclasses.

Each sub-command declares a dataclass; its fields are the options, and the one positional field takes what is left of
the line, verbatim, because it is a Python expression whose quotes and braces are its own.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import shlex
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

from datajoint_jupyter.magics.errors import CommandError, unknown

A = TypeVar("A")

_OPENING, _CLOSING = "([{", ")]}"
_LONG = re.compile(r"--[A-Za-z][\w-]*(=.*)?", re.DOTALL)


def rest(metavar: str, help_text: str) -> Any:
    """Declare the field that takes what is left of the line."""
    return dataclasses.field(default="", metadata={"metavar": metavar, "help": help_text})


def cell_body() -> Any:
    """Declare the field that takes the lines of the cell under the magic."""
    return dataclasses.field(default="", metadata={"body": True})


def option(
    *flags: str,
    default: Any,
    help_text: str,
    metavar: str | None = None,
    parse: Callable[[str], Any] = str,
    choices: Sequence[str] = (),
) -> Any:
    """Declare an option; one whose default is False takes no value. `choices` are offered, `parse` judges."""
    metadata = {"flags": flags, "help": help_text, "metavar": metavar, "parse": parse, "choices": choices}
    return dataclasses.field(default=default, metadata=metadata)


def output_option() -> Any:
    """Declare ``-o NAME``."""
    return option(
        "-o", "--output", default=None, metavar="NAME", parse=variable_name, help_text="keep the result as NAME"
    )


def connection_option() -> Any:
    """Declare ``--conn NAME``."""
    return option(
        "--conn", default=None, metavar="NAME", help_text="through the connection of that name, see %dj connect"
    )


def variable_name(text: str) -> str:
    """Check the name of a variable.

    Raises
    ------
    ArgumentTypeError
    """
    if not text.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a variable")
    return text


def positive(text: str) -> int:
    """Read a positive integer.

    Raises
    ------
    ArgumentTypeError
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no positive whole number")
    return int(text)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise CommandError(f"{self.prog}: {message}.", f"See {self.prog} --help.")


def parse_line(kind: type[A], line: str, prog: str, body: str = "") -> A:
    """Read a line, and the cell under it, into a dataclass of type `kind`.

    Raises
    ------
    CommandError
        For an unknown option, with the nearest known one, a value that does not fit, or words where none belong.
    """
    fields = dataclasses.fields(kind)  # type: ignore[arg-type]  # always a dataclass
    parser = _Parser(prog=prog, add_help=False, allow_abbrev=False)
    remainder = ""
    values: dict[str, Any] = {}
    for field in fields:
        flags = field.metadata.get("flags")
        if "body" in field.metadata:
            values[field.name] = body
        elif flags is None:
            remainder = field.name
        elif field.default is False:
            parser.add_argument(*flags, dest=field.name, action="store_true")
        else:
            parser.add_argument(*flags, dest=field.name, type=field.metadata["parse"], default=field.default)
    words, left = split_line(line, option_flags(kind), prog)
    values |= vars(parser.parse_args(words))
    if remainder:
        values[remainder] = left
    elif left:
        raise CommandError(f"{prog} takes no {left!r}.", f"See {prog} --help.")
    return kind(**values)


def option_flags(kind: type[Any]) -> dict[str, bool]:
    """Return the flags of a dataclass and whether each takes a value."""
    return {
        flag: field.default is not False for field in dataclasses.fields(kind) for flag in field.metadata.get("flags", ())
    }  # fmt: skip


def option_choices(kind: type[Any], flag: str) -> Sequence[str]:
    """Return the values to offer after a flag of a dataclass, if they are known."""
    fields = (field for field in dataclasses.fields(kind) if flag in field.metadata.get("flags", ()))
    return next((field.metadata["choices"] for field in fields), ())


def split_line(line: str, flags: dict[str, bool], prog: str) -> tuple[list[str], str]:
    """Part a line into the words of its options and the text that is left.

    An option stands by itself between blanks, outside brackets and quotes; ``A -B`` and ``{"a": "--limit"}`` hold none.
    """
    options: list[str] = []
    left: list[str] = []
    words = iter(outer_words(line))
    for word in words:
        flag = word.split("=", 1)[0]
        if word == "--":
            left.extend(words)
        elif flag in flags:
            options.append(word)
            if flags[flag] and "=" not in word:
                value = next(words, None)
                if value is None:
                    raise CommandError(f"{prog}: {flag} needs a value.", f"See {prog} --help.")
                options.append(unquoted(value))
        elif _LONG.fullmatch(word):
            raise unknown(f"option of {prog}", flag, list(flags))
        else:
            left.append(word)
    return options, " ".join(left)


def outer_words(line: str) -> list[str]:
    """Return the words of a line, parted by blanks outside quotes and brackets."""
    words: list[str] = []
    word, depth, quote, escaped = "", 0, "", False
    for character in line:
        if not quote and not depth and character.isspace():
            if word:
                words.append(word)
            word = ""
            continue
        word += character
        if quote:
            if character == quote and not escaped:
                quote = ""
            escaped = character == "\\" and not escaped
        elif character in "\"'":
            quote, escaped = character, False
        else:
            depth = max(0, depth + (character in _OPENING) - (character in _CLOSING))
    return [*words, word] if word else words


def unquoted(word: str) -> str:
    """Return a word without the quotes around it."""
    try:
        parts: Sequence[str] = shlex.split(word)
    except ValueError:
        return word
    return parts[0] if len(parts) == 1 else word


def usage(kind: type[Any], prog: str) -> str:
    """Return how the command is written and what its options mean."""
    lines: list[str] = []
    words = [prog]
    for field in dataclasses.fields(kind):
        metadata = field.metadata
        if "body" in metadata:
            continue
        if "flags" not in metadata:
            words.append(f"[{metadata['metavar']}]")
            lines.insert(0, f"  {metadata['metavar']:<22} {metadata['help']}")
            continue
        value = f" {metadata['metavar'] or 'VALUE'}" if field.default is not False else ""
        words.append(f"[{metadata['flags'][0]}{value}]")
        lines.append(f"  {', '.join(metadata['flags']) + value:<22} {metadata['help']}")
    return "\n".join([" ".join(words), *lines])
