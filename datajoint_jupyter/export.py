"""Rows of an expression as a file, written page by page and put in its place when it is whole."""

from __future__ import annotations

import csv
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from datajoint.errors import DataJointError
from datajoint.expression import QueryExpression
from datajoint_jupyter.display.values import placeholder, text_of

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes
    ----------
    path : Path
    rows : int
    left_out : tuple of str
        Attributes that are not in the file: binary values and what needs a codec.
    guarded : int
        Cells that got an apostrophe in front, so that no spreadsheet takes them for a formula.
    """

    path: Path
    rows: int
    left_out: tuple[str, ...]
    guarded: int = 0

    def __str__(self) -> str:
        text = f"{self.rows:,} row{'' if self.rows == 1 else 's'} written to {self.path}."
        if self.left_out:
            text += f" Left out, being binary: {', '.join(self.left_out)}."
        if self.guarded:
            text += f" {self.guarded:,} texts that a spreadsheet would take for formulas got an apostrophe in front."
        return text


def export_rows(
    expression: QueryExpression, path: str | Path, *, overwrite: bool = False, guard: bool = True
) -> Exported:
    """Write the rows of an expression to a file of comma-separated values or a Parquet file.

    Parameters
    ----------
    expression : QueryExpression
    path : str or Path
        Ends in ``.csv`` or ``.parquet``.
    overwrite : bool
        Whether a file that exists may be replaced.
    guard : bool
        Whether texts that begin like a formula get an apostrophe in front (CSV only).

    Raises
    ------
    DataJointError
        For another kind of file, one that exists, or a folder that does not.
    ImportError
        For Parquet without pyarrow.
    """
    target = Path(path).expanduser()
    write = _WRITERS.get(target.suffix.lower())
    if write is None:
        raise DataJointError(
            f"A file {target.name!r} was asked for.",
            hint="Let its name end in .csv or .parquet, which says what it is.",
        )
    if target.exists() and not overwrite:
        raise DataJointError(f"{target} exists.", hint="Give another name, or ask for it to be overwritten.")
    if not target.parent.is_dir():
        raise DataJointError(f"There is no folder {target.parent}.", hint="Make it first.")
    attributes = expression.heading.attributes
    left_out = tuple(name for name in expression.heading.names if placeholder(attributes[name]) not in (None, "json"))
    kept = [name for name in expression.heading.names if name not in left_out]
    with _placed(target) as draft:
        rows, guarded = write(expression, kept, draft, guard)
    return Exported(target, rows, left_out, guarded)


@contextmanager
def _placed(target: Path) -> Iterator[Path]:
    """Yield a file beside `target` that takes its place when the block is left, and goes away if it fails."""
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
        draft.chmod(0o666 & ~_umask())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _write_csv(expression: QueryExpression, names: list[str], draft: Path, guard: bool) -> tuple[int, int]:
    rows = guarded = 0
    with draft.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for row in expression.proj(*_secondary(expression, names)):
            cells = []
            for name in names:
                value = row[name]
                text = text_of(value, limit=sys.maxsize) or ""
                if guard and isinstance(value, str) and text.startswith(_FORMULA):
                    text, guarded = f"'{text}", guarded + 1
                cells.append(text)
            writer.writerow(cells)
            rows += 1
    return rows, guarded


def _write_parquet(expression: QueryExpression, names: list[str], draft: Path, guard: bool) -> tuple[int, int]:  # noqa: ARG001 - one signature
    try:
        import pyarrow.parquet  # noqa: PLC0415 - optional, and heavy
    except ImportError as error:
        raise ImportError("Parquet needs pyarrow: pip install 'datajoint[arrow]'.") from error
    table = expression.proj(*_secondary(expression, names)).to_arrow()
    pyarrow.parquet.write_table(table.select(names), draft)
    return table.num_rows, 0


def _secondary(expression: QueryExpression, names: list[str]) -> list[str]:
    return [name for name in names if name not in expression.primary_key]


_WRITERS: dict[str, Callable[[QueryExpression, list[str], Path, bool], tuple[int, int]]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}
