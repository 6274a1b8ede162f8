"""``--as``: in which form rows are wanted."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from datajoint.expression import QueryExpression
from datajoint.naming import did_you_mean
from datajoint_jupyter.magics.errors import CommandError

FORMS = "expr, dicts, pandas, polars or arrow"

ALL_FORMS = ("expr", "dicts", "pandas", "polars", "arrow")


def form_name(text: str) -> str:
    """Read the word after ``--as``.

    Raises
    ------
    ArgumentTypeError
    """
    if text not in ALL_FORMS:
        hint = did_you_mean(text, list(ALL_FORMS)) or f"It is one of {FORMS}."
        raise argparse.ArgumentTypeError(f"there is no form {text!r}. {hint}".rstrip("."))
    return text


def fetched(expression: QueryExpression, wanted: str, limit: int | None) -> Any:
    """Return an expression, or at most `limit` of its rows in another form."""
    return expression if wanted == "expr" else getattr(expression, f"to_{wanted}")(limit=limit)


def framed(names: Sequence[str], rows: Sequence[Sequence[Any]], wanted: str) -> Any:
    """Return rows of a plain statement in a form; there is no expression behind them.

    Raises
    ------
    CommandError
        For ``expr``, and for columns of the same name where a form cannot have them.
    """
    if wanted == "expr":
        raise CommandError("The rows of %%dj sql are no expression.", "Choose dicts, pandas, polars or arrow.")
    if len(set(names)) < len(names):
        double = next(name for name in names if list(names).count(name) > 1)
        raise CommandError(f"Two columns are called {double!r}.", "Name one of them otherwise, with AS.")
    if wanted == "dicts":
        return [dict(zip(names, row, strict=True)) for row in rows]
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    if wanted == "pandas":
        import pandas as pd  # noqa: PLC0415 - heavy, and needed only here

        return pd.DataFrame(columns, columns=list(names))
    if wanted == "polars":
        import polars as pl  # noqa: PLC0415 - optional

        return pl.DataFrame(columns, strict=False)
    import pyarrow as pa  # noqa: PLC0415 - optional

    return pa.table(columns)
