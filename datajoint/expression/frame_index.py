"""The index of a pandas frame, made of the columns of a key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SPARSE = 4  # numbers that a level may leave out, for each that it has


def key_index(columns: Mapping[str, Any]) -> Any:
    """Return the index whose levels are `columns`, as ``set_index`` makes it, but for one column never a range.

    Parameters
    ----------
    columns : mapping of str to array
        Numpy's arrays or pandas' own, of the same length.
    """
    import pandas as pd  # noqa: PLC0415 - loaded when frames are asked for

    if len(columns) == 1:
        ((name, values),) = columns.items()
        if values.dtype == object:  # a series sees whether they all are of a type that numpy has, as a frame does
            values = pd.Series(values, copy=False)
        return pd.Index(values, dtype=values.dtype, name=name)
    parts = [_numbered(values) or _factorized(values) for values in columns.values()]
    levels, codes = zip(*parts, strict=True)
    return pd.MultiIndex(levels=levels, codes=codes, names=list(columns), verify_integrity=False)


def _numbered(values: Any) -> tuple[Any, Any] | None:
    """Return the level and the codes of integers that lie close together, as numbers of a key nearly always do.

    Counting them takes a third of the time that hashing and sorting them does.
    """
    import numpy as np  # noqa: PLC0415 - loaded when frames are asked for
    import pandas as pd  # noqa: PLC0415

    if not (isinstance(values, np.ndarray) and values.dtype == np.int64 and len(values)):
        return None
    low = int(values.min())
    span = int(values.max()) - low + 1
    if span > _SPARSE * len(values):
        return None
    places = values - low
    present = np.zeros(span, dtype=bool)
    present[places] = True
    return pd.Index(np.flatnonzero(present) + low), (np.cumsum(present) - 1)[places]


def _factorized(values: Any) -> tuple[Any, Any]:
    import pandas as pd  # noqa: PLC0415 - loaded when frames are asked for

    index = pd.MultiIndex.from_arrays([pd.Series(values, copy=False)])
    return index.levels[0], index.codes[0]
