"""The code blocks of a page, and running them as a reader would.

A comment before a block says what is special about it:

``<!-- raises: DuplicateError -->``   the block ends with this error
``<!-- server: mysql postgresql -->``  the block runs on these engines; ``ENGINE://alice@db.example.org/`` is their address
``<!-- file: test_growth.py -->``     the block is written to this file
``<!-- not run: reason -->``          the block is not run; the reason is for who reads the source

A block of plain text after a block of Python is what that prints; ``...`` stands for anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PAGES = [
    CHECKOUT / "README.md",
    *sorted(page for page in (CHECKOUT / "docs").rglob("*.md") if page.parent.name != "measured"),
]

_FENCE = re.compile(r"^```(?P<language>\{[a-z-]+\}|[a-z]*)[^\n`]*\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_MARK = re.compile(r"<!-- (?P<name>raises|server|file|not run): (?P<value>[^>]*?) -->\s*\Z")
EXECUTED = frozenset({"python", "ipython", "sh"})


@dataclass(frozen=True)
class Block:
    """One block; `line` counts from 1, `mark` is ``""`` or the name of what the comment says, with its `value`."""

    language: str
    text: str
    line: int
    mark: str = ""
    value: str = ""
    printed: str | None = None


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of a page in order; those that tell what another prints are joined to it."""
    text = page.read_text(encoding="utf-8")
    found: list[Block] = []
    end = 0
    for fence in _FENCE.finditer(text):
        between, start = text[end : fence.start()], text.count("\n", 0, fence.start()) + 1
        mark = _MARK.search(between)
        language, body = fence["language"], fence["text"]
        if language == "text" and found and found[-1].language == "python" and not between.strip():
            last = found.pop()
            found.append(Block(last.language, last.text, last.line, last.mark, last.value, body))
        else:
            found.append(Block(language, body, start, mark["name"] if mark else "", mark["value"] if mark else ""))
        end = fence.end()
    return found
