"""How many rows there are, as far as can be told soon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import datajoint as dj
from datajoint.errors import TimeLimitError
from datajoint.expression import QueryExpression

SECONDS = 2.0
"""How long one statement may take."""

_CUTS = (10_000, 100)


@dataclass(frozen=True, slots=True)
class Count:
    """A number of rows.

    Attributes
    ----------
    rows : int
    exact : bool
        Whether there are no more.
    """

    rows: int
    exact: bool = True

    def __str__(self) -> str:
        if self.exact:
            return f"{self.rows:,} row{'' if self.rows == 1 else 's'}"
        return f"at least {self.rows:,} rows" if self.rows else "too many rows to count soon"

    def state(self) -> dict[str, Any]:
        """Return what the page shows."""
        return {"rows": self.rows, "exact": self.exact, "text": str(self)}


def count_rows(expression: QueryExpression, seconds: float = SECONDS) -> Count:
    """Count the rows of an expression; where that takes too long, find out that there are at least so many.

    Raises
    ------
    DataJointError
        If the database refuses.
    """
    limit: int | None = None
    for limit in (None, *_CUTS):
        try:
            with expression.connection.time_limit(seconds):
                rows = len(expression if limit is None else expression & dj.Top(limit, []))
        except TimeLimitError:
            continue
        return Count(rows, exact=limit is None or rows < limit)
    return Count(0, exact=False)
