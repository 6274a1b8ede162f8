"""What is recorded of a statement that ran."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QueryRecord:
    """One executed statement: its text (values are never kept), how long it took in seconds, how many rows."""

    text: str
    duration: float
    rows: int
