"""The relational algebra on lists of dicts: slow, short, and obviously right.

A `Relation` is what a query expression denotes: a key, a heading with lineage, and rows. Every operator evaluates its
operands completely first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Relation:
    """Rows under a heading; `lineage` maps every attribute to its origin, or to None."""

    key: tuple[str, ...]
    lineage: dict[str, str | None]
    rows: tuple[Row, ...]
    ordered: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.lineage)

    def sorted(self) -> list[Row]:
        """Rows in the order promised: a Top's own, else by key with NULL first."""
        return list(self.rows) if self.ordered else sorted(self.rows, key=lambda r: [sort_key(r[n]) for n in self.key])


LABELS = ("zeta", "alpha", "mid")
"""The members of the enum, which sorts as declared; no other text is one of them."""


def sort_key(value: Any) -> tuple[bool, Any]:
    if value in LABELS:
        return (True, LABELS.index(value))
    return (value is not None, value if value is not None else 0)


def like(relation: Relation, rows: Sequence[Row], *, ordered: bool = False) -> Relation:
    return Relation(relation.key, relation.lineage, tuple(rows), ordered)


def restrict(a: Relation, condition: Callable[[Row], bool | None]) -> Relation:
    """Rows for which the condition is true; None is SQL's NULL, which is not."""
    return like(a, [r for r in a.rows if condition(r) is True])


def namesakes(a: Relation, b: Relation) -> list[str]:
    return [n for n in a.names if n in b.names]


def homologous(a: Relation, b: Relation) -> bool:
    """Whether the namesakes may be matched."""
    return all(a.lineage[n] is not None and a.lineage[n] == b.lineage[n] for n in namesakes(a, b))


def agree(x: Row, y: Row, names: Sequence[str]) -> bool:
    return all(x[n] is not None and x[n] == y[n] for n in names)


def semijoin(a: Relation, b: Relation, *, anti: bool = False) -> Relation:
    names = namesakes(a, b)
    return like(a, [x for x in a.rows if any(agree(x, y, names) for y in b.rows) is not anti])


def project(
    a: Relation,
    kept: Sequence[str],
    renamed: dict[str, str],
    computed: dict[str, Callable[[Row], Any]],
    *,
    keep: bool = False,
) -> Relation:
    """Keep `kept` and the key, less what is renamed away (unless `keep`); add new names; add computed attributes."""
    gone = set() if keep else set(renamed.values())
    stay = [n for n in a.names if (n in kept or n in a.key) and n not in gone]
    origin: dict[str, str] = {}
    for old in a.names:
        if old in stay:
            origin[old] = old
        origin.update({new: old for new, o in renamed.items() if o == old})
    key = tuple(n for n, o in origin.items() if o in a.key)
    lineage = {n: a.lineage[o] for n, o in origin.items()} | dict.fromkeys(computed)
    rows = [{n: r[o] for n, o in origin.items()} | {n: f(r) for n, f in computed.items()} for r in a.rows]
    return Relation(key, lineage, tuple(rows), a.ordered)


def determines(a: Relation, b: Relation) -> bool:
    return all(n in a.names for n in b.key)


def join(a: Relation, b: Relation, *, left: bool = False) -> Relation:
    names = namesakes(a, b)
    rows = []
    for x in a.rows:
        matches = [y for y in b.rows if agree(x, y, names)]
        rows += [{**y, **x} for y in matches]
        if left and not matches:
            rows.append({**dict.fromkeys(b.names), **x})
    first, second = (b, a) if not left and determines(b, a) and not determines(a, b) else (a, b)
    key = first.key if determines(first, second) else first.key + tuple(n for n in second.key if n not in first.key)
    order = [
        *key,
        *(n for n in first.names if n not in key),
        *(n for n in second.names if n not in key and n not in first.names),
    ]
    lineage = {n: first.lineage.get(n, second.lineage.get(n)) for n in order}
    return Relation(key, lineage, tuple({n: r[n] for n in order} for r in rows))


def aggregate(
    a: Relation,
    b: Relation,
    summaries: dict[str, Callable[[list[Row]], Any]],
    *,
    inner: bool,
    kept: Sequence[str] = (),
) -> Relation:
    """One row per row of `a`, with its key and the attributes `kept`; unmatched ones see a single row of NULLs."""
    own = [n for n in a.names if n in a.key or n in kept]
    names = namesakes(a, b)
    rows = []
    for x in a.rows:
        group = [{**y, **x} for y in b.rows if agree(x, y, names)]
        if not group and inner:
            continue
        group = group or [{**dict.fromkeys(b.names), **x}]
        rows.append({n: x[n] for n in own} | {n: f(group) for n, f in summaries.items()})
    return Relation(a.key, {n: a.lineage[n] for n in own} | dict.fromkeys(summaries), tuple(rows))


def group_by(a: Relation, names: Sequence[str], summaries: dict[str, Callable[[list[Row]], Any]]) -> Relation:
    groups: dict[tuple[Any, ...], list[Row]] = {} if names else {(): []}
    for r in a.rows:
        groups.setdefault(tuple(r[n] for n in names), []).append(r)
    rows = [dict(zip(names, k, strict=True)) | {n: f(g) for n, f in summaries.items()} for k, g in groups.items()]
    return Relation(tuple(names), {n: a.lineage[n] for n in names} | dict.fromkeys(summaries), tuple(rows))


def distinct(a: Relation, names: Sequence[str]) -> Relation:
    return group_by(a, names, {}) if names else Relation((), {}, ({},) if a.rows else ())


def union(a: Relation, b: Relation) -> Relation:
    others = [n for r in (a, b) for n in r.names if n not in r.key]
    lineage = {n: a.lineage[n] for n in a.key} | {n: a.lineage.get(n, b.lineage.get(n)) for n in others}
    rows: dict[tuple[Any, ...], Row] = {}
    for r in (*a.rows, *b.rows):
        k = tuple(r[n] for n in a.key)
        rows[k] = dict.fromkeys(lineage) | rows.get(k, {}) | r
    return Relation(a.key, lineage, tuple(rows.values()))


Order = tuple[Callable[[Row], Any], bool, bool | None]
"""What to sort by, whether descending, and whether NULLs come first (None: ascending yes, descending no)."""


def top(a: Relation, limit: int | None, order: Sequence[Order], offset: int) -> Relation:
    """Sort, then cut."""
    rows = list(a.rows)
    for value, descending, nulls_first in reversed(order):
        rows.sort(key=lambda r, f=value: sort_key(f(r)), reverse=descending)  # type: ignore[misc]
        if nulls_first is not None:
            rows.sort(key=lambda r, f=value, first=nulls_first: (f(r) is None) is not first)  # type: ignore[misc]
    end = None if limit is None else offset + limit
    return like(a, rows[offset:end], ordered=True)
