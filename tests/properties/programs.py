"""Random expressions, as programs that the model and a real engine both carry out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

import datajoint as dj

from . import model
from .model import Relation, Row

TEXTS = ["a", "A", "ab", "b", "", "a%", "it's", 'q"', "back\\", "é", "Z z", "a "]
FLOATS = [-1.5, 0.0, 0.25, 3.0, 1e10]
INTS = [-3, 0, 1, 2, 7]
LABELS = list(model.LABELS)

DEFINITIONS = {
    "A": "a: int32\n---\ns=null: varchar(10)\nf=null: float64\ne='mid': enum('zeta','alpha','mid')",
    "B": "-> A\nb: int16\n---\nn=null: int32\nt='': varchar(12)",
    "C": "-> B\nc: int16\n---\nm=null: int32",
    "D": "d: int32\n---\n-> [nullable] A\nu=null: int32",
    "E": "-> A\n---\nw=null: int32",
    "K": "k: varchar(6)\n---\n-> [nullable] B",
}

ROWS: dict[str, list[Row]] = {
    "A": [
        {"a": i, "s": s, "f": f, "e": e}
        for i, (s, f, e) in enumerate(
            [("a", 0.25, "mid"), ("A", None, "zeta"), (None, -1.5, "alpha"), ("a%", 3.0, "mid"), ("it's", 0.0, "zeta")]
        )
    ],
    "B": [
        {"a": a, "b": b, "n": n, "t": t}
        for a, b, n, t in [
            (0, 1, 2, "a"),
            (0, 2, None, "Z z"),
            (1, 1, 7, "back\\"),
            (2, 1, -3, ""),
            (3, 5, 0, "é"),
            (3, 6, 2, 'q"'),
        ]
    ],
    "C": [
        {"a": a, "b": b, "c": c, "m": m} for a, b, c, m in [(0, 1, 1, 2), (0, 1, 2, None), (1, 1, 1, 7), (3, 5, 1, 0)]
    ],
    "D": [{"d": d, "a": a, "u": u} for d, a, u in [(0, 0, 1), (1, None, 2), (2, 3, None), (7, 0, 0)]],
    "E": [],
    "K": [{"k": k, "a": a, "b": b} for k, a, b in [("a", 0, 1), ("A", None, None), ("é", 3, 5), ("a%", 0, 1)]],
}

FOREIGN = {
    "B": {"a": "A.a"},
    "C": {"a": "A.a", "b": "B.b"},
    "D": {"a": "A.a"},
    "E": {"a": "A.a"},
    "K": {"a": "A.a", "b": "B.b"},
}
KEYS = {"A": ("a",), "B": ("a", "b"), "C": ("a", "b", "c"), "D": ("d",), "E": ("a",), "K": ("k",)}
HEADINGS = {"A": "asfe", "B": "abnt", "C": "abcm", "D": "dau", "E": "aw", "K": "kab"}
KINDS = dict.fromkeys("abnmduwc", "int") | dict.fromkeys("stk", "text") | {"f": "float", "e": "enum"}
VALUES: dict[str, list[Any]] = {"int": INTS, "text": TEXTS, "float": FLOATS, "enum": LABELS}


def base(name: str) -> Relation:
    lineage = {n: FOREIGN.get(name, {}).get(n, f"{name}.{n}" if n in KEYS[name] else None) for n in HEADINGS[name]}
    rows = tuple({n: r[n] for n in HEADINGS[name]} for r in ROWS[name])
    return Relation(KEYS[name], lineage, rows)


@dataclass(frozen=True)
class Program:
    """A random expression: how to write it, what the model says, and what kind of value each attribute holds."""

    text: str
    relation: Relation
    kinds: dict[str, str]
    nullable_key: bool = False

    def __repr__(self) -> str:
        return self.text

    def run(self, tables: dict[str, Any]) -> Any:
        return eval(self.text, {"dj": dj, **tables})


def equality(program: Program, name: str, value: Any) -> Any:
    return lambda r: (r[name] is None) if value is None else (None if r[name] is None else r[name] == value)


@st.composite
def conditions(draw: st.DrawFn, program: Program) -> tuple[str, Any]:
    """Return the text of a condition and the function on rows that it means."""
    name = draw(st.sampled_from(program.relation.names))
    kind = program.kinds[name]
    value = draw(st.sampled_from(VALUES[kind]))
    form = draw(st.sampled_from(["dict", "null", "text", "list", "many", "isnull"]))
    if form == "dict":
        return f"{{{name!r}: {value!r}}}", equality(program, name, value)
    if form == "null":
        return f"{{{name!r}: None}}", equality(program, name, None)
    if form == "isnull":
        return f"'`{name}` IS NOT NULL'", lambda r: r[name] is not None
    if form == "list":
        other = draw(st.sampled_from(VALUES[kind]))
        f, g = equality(program, name, value), equality(program, name, other)
        return (
            f"[{{{name!r}: {value!r}}}, {{{name!r}: {other!r}}}]",
            lambda r: None if r[name] is None else bool(f(r) or g(r)),
        )
    if form == "many" and kind == "int":
        return (
            f"[{{{name!r}: i * 2}} for i in range(30)]",
            lambda r: None if r[name] is None else r[name] in range(0, 60, 2),
        )
    operator = draw(st.sampled_from(["=", "<>", "<", ">=", ">"]))
    literal = "'" + value.replace("\\", "\\\\").replace("'", "''") + "'" if isinstance(value, str) else repr(value)
    compare = {
        "=": lambda x: x == value,
        "<>": lambda x: x != value,
        "<": lambda x: x < value,
        ">=": lambda x: x >= value,
        ">": lambda x: x > value,
    }[operator]
    return repr(f"`{name}` {operator} {literal}"), lambda r: None if r[name] is None else compare(r[name])


def summaries(program: Program, names: list[str]) -> dict[str, tuple[str, Any, str]]:
    """Return possible summaries: name -> (SQL, function on a group, kind)."""
    found: dict[str, tuple[str, Any, str]] = {"z_n": ("count(*)", len, "int")}
    for name in names:
        found[f"z_c{name}"] = (f"count(`{name}`)", lambda g, n=name: sum(r[n] is not None for r in g), "int")
        if program.kinds[name] in {"int", "float", "text"}:
            for function, python in (("min", min), ("max", max)):
                found[f"z_{function}{name}"] = (f"{function}(`{name}`)", _over(name, python), program.kinds[name])
        if program.kinds[name] == "int":
            found[f"z_sum{name}"] = (f"sum(`{name}`)", _over(name, sum), "int")
    return found


def _over(name: str, python: Any) -> Any:
    def summary(group: list[Row]) -> Any:
        values = [r[name] for r in group if r[name] is not None]
        return python(values) if values else None

    return summary


@st.composite
def programs(draw: st.DrawFn, depth: int = 4) -> Program:
    """Draw an expression nested to at most `depth`."""
    if depth == 0 or draw(st.integers(0, 5)) == 0:
        name = draw(st.sampled_from(sorted(DEFINITIONS)))
        relation = base(name)
        return Program(f"{name}()", relation, {n: KINDS[n] for n in relation.names})
    operand = draw(programs(depth=depth - 1))
    unary = [_restrict, _project, _rename, _compute, _distinct, _group, _top]
    binary = [_semijoin, _join, _left_join, _aggregate, _union]
    operator = draw(st.sampled_from(unary + binary))
    if operator in binary:
        other = draw(programs(depth=min(depth - 1, 2)))
        drawn = operator(operand, other)
        return drawn if isinstance(drawn, Program) else draw(drawn)
    return draw(operator(operand))


@st.composite
def _restrict(draw: st.DrawFn, p: Program) -> Program:
    if not p.relation.names:
        return p
    text, function = draw(conditions(p))
    if draw(st.booleans()):
        return Program(f"({p.text} & {text})", model.restrict(p.relation, function), p.kinds, p.nullable_key)
    negated = model.restrict(p.relation, lambda r: None if function(r) is None else not function(r))
    return Program(f"({p.text} - {text})", negated, p.kinds, p.nullable_key)


@st.composite
def _project(draw: st.DrawFn, p: Program) -> Program:
    others = [n for n in p.relation.names if n not in p.relation.key]
    kept = draw(st.lists(st.sampled_from(others), unique=True)) if others else []
    relation = model.project(p.relation, kept, {}, {})
    return Program(f"{p.text}.proj({', '.join(map(repr, kept))})", relation, p.kinds, p.nullable_key)


@st.composite
def _rename(draw: st.DrawFn, p: Program) -> Program:
    if not p.relation.names:
        return p
    old = draw(st.sampled_from(p.relation.names))
    new = f"{old}_r"
    if new in p.relation.names:
        return p
    relation = model.project(p.relation, p.relation.names, {new: old}, {})
    return Program(f"{p.text}.proj(..., {new}={old!r})", relation, p.kinds | {new: p.kinds[old]}, p.nullable_key)


@st.composite
def _compute(draw: st.DrawFn, p: Program) -> Program:
    numbers = [n for n in p.relation.names if p.kinds[n] == "int"]
    if not numbers or "y" in p.relation.names:
        return p
    name = draw(st.sampled_from(numbers))
    relation = model.project(
        p.relation, p.relation.names, {}, {"y": lambda r: None if r[name] is None else r[name] * 2 + 1}
    )
    return Program(f"{p.text}.proj(..., y='`{name}` * 2 + 1')", relation, p.kinds | {"y": "int"}, p.nullable_key)


@st.composite
def _distinct(draw: st.DrawFn, p: Program) -> Program:
    if not p.relation.names:
        return p
    names = draw(st.lists(st.sampled_from(p.relation.names), unique=True, min_size=1, max_size=2))
    return Program(
        f"(dj.U({', '.join(map(repr, names))}) & {p.text})",
        model.distinct(p.relation, names),
        p.kinds,
        nullable_key=True,
    )


def _chosen(
    draw: st.DrawFn, found: dict[str, tuple[str, Any, str]], taken: tuple[str, ...]
) -> dict[str, tuple[str, Any, str]]:
    free = sorted(n for n in found if n not in taken) or ["z_n_2"]
    found = found | {"z_n_2": found["z_n"]}
    names = draw(st.lists(st.sampled_from(free), unique=True, min_size=1, max_size=3))
    return {n: found[n] for n in names}


@st.composite
def _group(draw: st.DrawFn, p: Program) -> Program:
    names = draw(st.lists(st.sampled_from(p.relation.names), unique=True, max_size=2)) if p.relation.names else []
    if any(n.startswith("z_") and len(n) > 20 for n in p.relation.names):
        return p
    chosen = _chosen(draw, summaries(p, list(p.relation.names)), tuple(names))
    relation = model.group_by(p.relation, names, {n: f for n, (_, f, _) in chosen.items()})
    keywords = ", ".join(f"{n}={sql!r}" for n, (sql, _, _) in chosen.items())
    text = f"dj.U({', '.join(map(repr, names))}).aggr({p.text}, {keywords})"
    return Program(text, relation, p.kinds | {n: k for n, (_, _, k) in chosen.items()}, nullable_key=True)


@st.composite
def _top(draw: st.DrawFn, p: Program) -> Program:
    limit, offset = draw(st.integers(0, 5)), draw(st.integers(0, 2))
    order: list[tuple[str, bool]] = []
    if p.relation.names and draw(st.booleans()):
        order.append((draw(st.sampled_from(p.relation.names)), draw(st.booleans())))
    order += [(n, False) for n in p.relation.key]
    items = [f"`{n}` DESC" if d else f"`{n}`" for n, d in order]
    text = f"({p.text} & dj.Top({limit}, {items!r}, {offset}))"
    return Program(text, model.top(p.relation, limit, order, offset), p.kinds, p.nullable_key)


def _relatable(p: Program, q: Program) -> bool:
    return model.homologous(p.relation, q.relation) and not any(
        p.kinds[n] != q.kinds[n] for n in model.namesakes(p.relation, q.relation)
    )


@st.composite
def _semijoin(draw: st.DrawFn, p: Program, q: Program) -> Program:
    if not _relatable(p, q):
        return p
    anti = draw(st.booleans())
    return Program(
        f"({p.text} {'-' if anti else '&'} {q.text})",
        model.semijoin(p.relation, q.relation, anti=anti),
        p.kinds,
        p.nullable_key,
    )


def _join(p: Program, q: Program) -> Program:
    if not _relatable(p, q) or len(p.relation.rows) * len(q.relation.rows) > 400:
        return p
    return Program(
        f"({p.text} * {q.text})",
        model.join(p.relation, q.relation),
        p.kinds | q.kinds,
        p.nullable_key or q.nullable_key,
    )


def _left_join(p: Program, q: Program) -> Program:
    if not _relatable(p, q) or not model.determines(p.relation, q.relation):
        return p
    return Program(
        f"{p.text}.extend({q.text})", model.join(p.relation, q.relation, left=True), p.kinds | q.kinds, p.nullable_key
    )


@st.composite
def _aggregate(draw: st.DrawFn, p: Program, q: Program) -> Program:
    if not _relatable(p, q) or not model.determines(q.relation, p.relation) or not q.relation.names:
        return p
    if any(n.startswith("z_") and len(n) > 20 for n in q.relation.names):
        return p
    inner = draw(st.booleans())
    names = [n for n in q.relation.names if n not in p.relation.names]
    chosen = _chosen(draw, summaries(q, names), p.relation.names)
    relation = model.aggregate(p.relation, q.relation, {n: f for n, (_, f, _) in chosen.items()}, inner=inner)
    keywords = ", ".join(f"{n}={sql!r}" for n, (sql, _, _) in chosen.items())
    text = f"{p.text}.aggr({q.text}, exclude_nonmatching={inner}, {keywords})"
    return Program(text, relation, p.kinds | {n: k for n, (_, _, k) in chosen.items()}, p.nullable_key)


def _union(p: Program, q: Program) -> Program:
    a, b = p.relation, q.relation
    if set(a.key) != set(b.key) or not a.key or p.nullable_key or q.nullable_key or not _relatable(p, q):
        return p
    if set(a.names) & set(b.names) - set(a.key):
        return p
    return Program(f"({p.text} + {q.text})", model.union(a, b), p.kinds | q.kinds)
