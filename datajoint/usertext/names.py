"""Which attribute a word means."""

from __future__ import annotations

from collections.abc import Collection


def find_name(word: str, names: Collection[str]) -> str | None:
    """Return the name that a word means: the exact one, else the only one that differs just by case."""
    if word in names:
        return word
    alike = [name for name in names if name.lower() == word.lower()]
    return alike[0] if len(alike) == 1 else None
