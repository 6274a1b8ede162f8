"""The unit of measurement that a comment tells."""

from __future__ import annotations

import re

_PREFIX = "[pnuµμmckMG]?"
_UNIT = (
    rf"(?:{_PREFIX}(?:m|g|s|Hz|V|A|Pa|N|J|W|l|L|M|mol|F|T|Ohm|ohm|Ω|bar|cal)|K|°C|°F|°|degC|deg|degrees?|rad|dB|%|"
    r"px|pixels?|h|hours?|min|minutes?|sec|seconds?|d|days?|weeks?|months?|years?|frames?|bits?|bytes?|kB|MB|GB)"
)
_POWER = r"(?:\^?-?\d|[²³])?"
_WHOLE = rf"{_UNIT}{_POWER}(?:[/*·]{_UNIT}{_POWER})*"
_BRACKETED = re.compile(rf"[\[(]\s*({_WHOLE})\s*[\])]")
_AT_THE_END = re.compile(rf"(?:^|,\s*)({_WHOLE})\s*$")
_IN_WORDS = re.compile(rf"\bin ({_WHOLE})(?=$|[\s,;.)])")


def unit_of(comment: str) -> str:
    """Return the unit that a comment names in brackets, after ``in``, or last; an empty text if it names none.

    Examples
    --------
    >>> unit_of("(g) body weight"), unit_of("speed [cm/s]"), unit_of("depth in um"), unit_of("(optional)")
    ('g', 'cm/s', 'um', '')
    """
    found = _BRACKETED.search(comment) or _IN_WORDS.search(comment) or _AT_THE_END.search(comment)
    return found[1] if found else ""
