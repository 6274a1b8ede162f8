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
