"""What differs between the engines, in one table. A difference is proved: the marked test must fail there.

A test that an engine cannot pass is marked ``@differs("name of the difference")``; it then runs as a strict expected
failure on the engines named here, and as an ordinary test on all others.
"""

from __future__ import annotations

import pytest

ENGINES = ("sqlite", "mysql", "mariadb", "postgresql")

DIFFERENCES: dict[str, dict[str, str]] = {
    "an index may be over an expression": {
        "mariadb": "it has none; a generated column would be one more column",
    },
    "columns of an existing table can be put into another order": {
        "postgresql": "it keeps columns in the order in which they were made; new ones come last",
    },
    "control characters in char(n) sort below the end of a text": {
        "mariadb": "it pads CHAR with blanks before it sorts; another order would cost the index",
    },
    "comments, labels and defaults may have any character": {
        "mysql": "its catalogue has none beyond U+FFFF; refused rather than kept as question marks",
        "mariadb": "as MySQL",
    },
    "text inside a JSON list or object is shown as it is": {
        "mariadb": "it keeps the text of a document as it was written, with escapes; text by itself is shown as it is",
    },
    "floats can be infinite": {
        "mysql": "its floats are finite; infinity is refused with the reason",
        "mariadb": "as MySQL",
    },
    "not-a-number of another program is read": {
        "sqlite": "it stores NULL instead",
        "mysql": "its floats are finite",
        "mariadb": "its floats are finite",
    },
    "decimals of more than 15 digits have order and sums": {
        "sqlite": "it computes in double; refused rather than rounded",
    },
    "sums of decimals are exact beyond 15 digits": {
        "sqlite": "as above; refused when the sum is read",
    },
    "unsigned integers of 64 bits": {
        "sqlite": "its integers are signed; larger ones are refused",
    },
    "integer overflow inside a condition is an error": {
        "sqlite": "it goes on in double, and compares the rounded number",
    },
    "a query cannot put a number out of range into int8": {
        "postgresql": "int8 is a smallint there, as DataJoint 2.3 declares it",
    },
    "a time may be negative, or longer than a day": {
        "sqlite": "a time of day",
        "postgresql": "a time of day",
    },
    "a time is fetched as timedelta": {
        "postgresql": "as datetime.time: the driver's class, as in DataJoint 2.3",
    },
    "a timestamp holds any year": {
        "mysql": "it counts seconds in few bits, and follows the zone; use datetime",
        "mariadb": "as MySQL",
    },
    "a default time has the declared digits": {
        "postgresql": "datetime is a timestamp there; values that are given are cut, the server's own are not",
    },
    "a default time has microseconds": {
        "sqlite": "its clock has milliseconds; zeros are added",
    },
    "varchar of 20000 characters": {
        "mysql": "rows have 65535 bytes; refused at declaration",
        "mariadb": "as MySQL",
    },
    "the order of keys inside JSON is kept": {
        "mysql": "it sorts them by length",
        "postgresql": "jsonb sorts them",
    },
    "large floats in text are written 1e20": {
        "sqlite": "1.0e+20",
        "postgresql": "1e+20",
    },
    r"\b in a regular expression is the edge of a word": {
        "postgresql": "there it is a backspace",
    },
    "creating a table can be rolled back": {
        "mysql": "it commits before and after",
        "mariadb": "as MySQL",
    },
    "text compares by code point in a schema of any collation": {
        "mysql": "a column's own collation wins, as before",
        "mariadb": "as MySQL",
    },
}
"""Difference -> engine -> reason."""


def differs(difference: str) -> pytest.MarkDecorator:
    """Mark a test as failing on the engines that `DIFFERENCES` lists under this name."""
    if difference not in DIFFERENCES:
        raise KeyError(f"There is no difference {difference!r} in tests/capabilities.py.")
    return pytest.mark.differs(difference)


def reason_to_fail(item: pytest.Item) -> str | None:
    """Return why a test must fail on the engine that it runs on, or None."""
    engine = getattr(item, "callspec", None) and item.callspec.params.get("engine")
    for mark in item.iter_markers("differs"):
        reason = DIFFERENCES[mark.args[0]].get(engine)
        if reason:
            return reason
    return None
