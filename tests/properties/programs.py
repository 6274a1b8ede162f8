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
    "A": "a: int32\n---\ns=null: varchar(10)\nf=null: float64\ne='mid': enum('zeta','alpha','mid')\nj=null: json",
    "B": "-> A\nb: int16\n---\nn=null: int32\nt='': varchar(12)",
    "C": "-> B\nc: int16\n---\nm=null: int32",
    "D": "d: int32\n---\n-> [nullable] A\nu=null: int32",
    "E": "-> A\n---\nw=null: int32",
    "K": "k: varchar(6)\n---\n-> [nullable] B",
}

ROWS: dict[str, list[Row]] = {
    "A": [
        {"a": i, "s": s, "f": f, "e": e, "j": j}
        for i, (s, f, e, j) in enumerate(
            [
                ("a", 0.25, "mid", {"p": 1, "q": {"r": "a"}}),
                ("A", None, "zeta", None),
                (None, -1.5, "alpha", {"p": 2, "q": {"r": "it's"}, "t": True}),
                ("a%", 3.0, "mid", {"p": None, "q": [1, "x"]}),
                ("it's", 0.0, "zeta", {"q": {"r": "é", "s": []}, "t": False}),
            ]
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
HEADINGS = {"A": "asfej", "B": "abnt", "C": "abcm", "D": "dau", "E": "aw", "K": "kab"}
KINDS = dict.fromkeys("abnmduwc", "int") | dict.fromkeys("stk", "text") | {"f": "float", "e": "enum", "j": "json"}
PATHS = {
    "p": [1, 2, 5, None],
    "q.r": ["a", "é", "it's", "", None],
    "t": [True, False, None],
    "q": [[1, "x"], {"r": "a"}],
}
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

    @property
    def plain(self) -> list[str]:
        """The attributes whose values can be compared and sorted."""
        return [n for n in self.relation.names if self.kinds[n] != "json"]

    def __repr__(self) -> str:
        return self.text

    def run(self, tables: dict[str, Any]) -> Any:
        return eval(self.text, {"dj": dj, **tables})


def equality(program: Program, name: str, value: Any) -> Any:
    return lambda r: (r[name] is None) if value is None else (None if r[name] is None else r[name] == value)


def any_of(items: list[Any]) -> Any:
    """SQL's OR: None is NULL."""
    return lambda r: True if any(x := [f(r) for f in items]) else None if None in x else False


def all_of(items: list[Any]) -> Any:
    """SQL's AND."""
    return lambda r: False if False in (x := [f(r) for f in items]) else None if None in x else True


def not_(item: Any) -> Any:
    return lambda r: None if (x := item(r)) is None else not x


def at(document: Any, path: str) -> Any:
    """The JSON value at a path; None if it is missing or null."""
    for step in path.split("."):
        document = document.get(step) if isinstance(document, dict) else None
    return document


@st.composite
def conditions(draw: st.DrawFn, program: Program, depth: int = 2) -> tuple[str, Any]:
    """Return the text of a condition and the function on rows that it means."""
    if depth and draw(st.integers(0, 3)) == 0:
        parts = draw(st.lists(conditions(program, depth - 1), min_size=1, max_size=3))
        text, functions = ", ".join(t for t, _ in parts), [f for _, f in parts]
        form = draw(st.sampled_from(["or", "and", "not"]))
        if form == "or":
            return f"[{text}]", any_of(functions)
        if form == "and":
            return f"dj.AndList([{text}])", all_of(functions)
        return f"dj.Not({parts[0][0]})", not_(functions[0])
    name = draw(st.sampled_from(program.relation.names))
    kind = program.kinds[name]
    return draw(_json_conditions(name) if kind == "json" else _comparisons(program, name, kind))


@st.composite
def _json_conditions(draw: st.DrawFn, name: str) -> tuple[str, Any]:
    path = draw(st.sampled_from(sorted(PATHS)))
    value = draw(st.sampled_from(PATHS[path]))

    def holds(r: Row) -> bool | None:
        found = at(r[name], path)
        if value is None:
            return found is None
        return None if found is None else type(found) is type(value) and found == value

    return f"{{'{name}.{path}': {value!r}}}", holds


@st.composite
def _comparisons(draw: st.DrawFn, program: Program, name: str, kind: str) -> tuple[str, Any]:
    value, other = draw(st.sampled_from(VALUES[kind])), draw(st.sampled_from(VALUES[kind]))
    form = draw(
        st.sampled_from(["dict", "null", "text", "list", "any", "in", "many", "isnull", "between", "two", "like"])
    )
    f, g = equality(program, name, value), equality(program, name, other)
    if form == "dict":
        return f"{{{name!r}: {value!r}}}", f
    if form == "null":
        return f"{{{name!r}: None}}", equality(program, name, None)
    if form == "isnull":
        return f"'`{name}` IS NOT NULL'", lambda r: r[name] is not None
    if form == "list":
        return f"[{{{name!r}: {value!r}}}, {{{name!r}: {other!r}}}]", any_of([f, g])
    if form == "any":
        return f"{{{name!r}: [{value!r}, None, {other!r}]}}", any_of([f, equality(program, name, None), g])
    if form == "in":
        return repr(f"`{name}` IN ({literal(value)}, {literal(other)})"), any_of([f, g])
    if form == "many" and kind == "int":
        return (
            f"[{{{name!r}: i * 2}} for i in range(30)]",
            lambda r: None if r[name] is None else r[name] in range(0, 60, 2),
        )
    if form == "two":
        second = draw(st.sampled_from(program.plain))
        third = draw(st.sampled_from([*VALUES[program.kinds[second]], None]))
        if second == name:
            return f"{{{name!r}: {value!r}}}", f
        return f"{{{name!r}: {value!r}, {second!r}: {third!r}}}", all_of([f, equality(program, second, third)])
    if form == "between" and value <= other:
        text = f"`{name}` BETWEEN {literal(value)} AND {literal(other)}"
        return repr(text), lambda r: None if r[name] is None else value <= r[name] <= other
    if form == "like" and kind == "text":
        start = value[:1].replace("\\", "")
        pattern = "\\%" if start == "%" else start
        return repr(
            f"`{name}` LIKE {literal(pattern + '%')}"
        ), lambda r: None if r[name] is None else r[name].startswith(start)
    operator = draw(st.sampled_from(["=", "<>", "<", ">=", ">"]))
    compare = {
        "=": lambda x: x == value,
        "<>": lambda x: x != value,
        "<": lambda x: x < value,
        ">=": lambda x: x >= value,
        ">": lambda x: x > value,
    }[operator]
    return repr(f"`{name}` {operator} {literal(value)}"), lambda r: None if r[name] is None else compare(r[name])


def literal(value: Any) -> str:
    """Write a value in MySQL's SQL."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'" if isinstance(value, str) else repr(value)


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
def programs(draw: st.DrawFn, depth: int = 5) -> Program:
    """Draw an expression nested to at most `depth`."""
    if depth == 0 or draw(st.integers(0, 7)) == 0:
        if draw(st.integers(0, 5)) == 0:
            return draw(_near())
        name = draw(st.sampled_from("BACDKBACDKE"))  # the last is empty
        relation = base(name)
        return Program(f"{name}()", relation, {n: KINDS[n] for n in relation.names})
    operand = draw(programs(depth=depth - 1))
    unary = [_restrict, _restrict, _project, _drop, _rename, _copy, _compute, _extract, _distinct, _group, _top, _top]
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
    kept, dropped = model.restrict(p.relation, function), model.restrict(p.relation, not_(function))
    if _prefer(draw, kept, dropped):
        return Program(f"({p.text} & {text})", kept, p.kinds, p.nullable_key)
    return Program(f"({p.text} - {text})", dropped, p.kinds, p.nullable_key)


def _prefer(draw: st.DrawFn, one: Relation, other: Relation) -> bool:
    """Choose one of two, seldom an empty one: of that there is little to be seen."""
    if bool(one.rows) == bool(other.rows) or draw(st.integers(0, 7)) == 0:
        return draw(st.booleans())
    return bool(one.rows)


# The table by whose key each of two tables is related to the other.
ANCESTORS = {"A": "A", "B": "BA", "C": "CBA", "D": "DA", "E": "EA", "K": "KBA"}


@st.composite
def _near(draw: st.DrawFn) -> Program:
    one, other = draw(st.sampled_from(sorted(ANCESTORS))), draw(st.sampled_from(sorted(ANCESTORS)))
    apex = next(name for name in ANCESTORS[one] if name in ANCESTORS[other])
    left, right = base(one), base(other)
    kinds = {n: KINDS[n] for n in (*left.names, *right.names)}
    text, function = draw(conditions(Program(f"{other}()", right, kinds)))
    rows = model.restrict(right, function).rows
    anti = draw(st.booleans())
    found = [x for x in left.rows if any(model.agree(x, y, KEYS[apex]) for y in rows) is not anti]
    written = f"({one}() - dj.Near({other} & {text}))" if anti else f"{one}().near({other} & {text})"
    return Program(written, model.like(left, found), kinds)


@st.composite
def _project(draw: st.DrawFn, p: Program) -> Program:
    others = [n for n in p.relation.names if n not in p.relation.key]
    kept = draw(st.lists(st.sampled_from(others), unique=True)) if others else []
    relation = model.project(p.relation, kept, {}, {})
    return Program(f"{p.text}.proj({', '.join(map(repr, kept))})", relation, p.kinds, p.nullable_key)


@st.composite
def _drop(draw: st.DrawFn, p: Program) -> Program:
    others = [n for n in p.relation.names if n not in p.relation.key]
    if not others:
        return p
    gone = draw(st.lists(st.sampled_from(others), unique=True, min_size=1))
    relation = model.project(p.relation, [n for n in others if n not in gone], {}, {})
    dropped = ", ".join(repr("-" + n) for n in gone)
    return Program(f"{p.text}.proj(..., {dropped})", relation, p.kinds, p.nullable_key)


@st.composite
def _copy(draw: st.DrawFn, p: Program) -> Program:
    if not p.relation.names or "x" in p.relation.names:
        return p
    old = draw(st.sampled_from(p.relation.names))
    relation = model.project(p.relation, p.relation.names, {"x": old}, {}, keep=True)
    return Program(f"{p.text}.proj(..., x='({old})')", relation, p.kinds | {"x": p.kinds[old]}, p.nullable_key)


@st.composite
def _extract(draw: st.DrawFn, p: Program) -> Program:
    documents = [n for n in p.relation.names if p.kinds[n] == "json"]
    if not documents or "w_" in p.relation.names:
        return p
    name = draw(st.sampled_from(documents))
    path, kind = draw(st.sampled_from([("p:signed", "int"), ("q.r", "text"), ("t:unsigned", "int")]))

    def value(r: Row) -> Any:
        found = at(r[name], path.partition(":")[0])
        return int(found) if isinstance(found, bool) else found

    relation = model.project(p.relation, p.relation.names, {}, {"w_": value})
    return Program(f"{p.text}.proj(..., w_='{name}.{path}')", relation, p.kinds | {"w_": kind}, p.nullable_key)


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
    if not p.plain or "y" in p.relation.names:
        return p
    name = draw(st.sampled_from(p.plain))
    kind = p.kinds[name]
    if kind == "int":
        sql, function, made = f"`{name}` * 2 + 1", lambda x: x * 2 + 1, "int"
    elif kind == "text":
        sql, function, made = f"concat('<', `{name}`, '>')", lambda x: f"<{x}>", "text"
    else:
        sql, function, made = f"if(`{name}` = `{name}`, 1, 0)", lambda x: 1, "int"
    default = 0 if kind not in {"int", "text"} else None
    relation = model.project(
        p.relation, p.relation.names, {}, {"y": lambda r: default if r[name] is None else function(r[name])}
    )
    return Program(f"{p.text}.proj(..., y={sql!r})", relation, p.kinds | {"y": made}, p.nullable_key)


@st.composite
def _distinct(draw: st.DrawFn, p: Program) -> Program:
    names = draw(st.lists(st.sampled_from(p.plain), unique=True, max_size=2)) if p.plain else []
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
    names = draw(st.lists(st.sampled_from(p.plain), unique=True, max_size=2)) if p.plain else []
    if any(n.startswith("z_") and len(n) > 20 for n in p.relation.names):
        return p
    chosen = _chosen(draw, summaries(p, p.plain), tuple(names))
    relation = model.group_by(p.relation, names, {n: f for n, (_, f, _) in chosen.items()})
    keywords = ", ".join(f"{n}={sql!r}" for n, (sql, _, _) in chosen.items())
    text = f"dj.U({', '.join(map(repr, names))}).aggr({p.text}, {keywords})"
    return Program(text, relation, p.kinds | {n: k for n, (_, _, k) in chosen.items()}, nullable_key=True)


@st.composite
def _top(draw: st.DrawFn, p: Program) -> Program:
    limit, offset = draw(st.sampled_from([3, 5, None, 2, 1, 0])), draw(st.sampled_from([0, 0, 1, 2]))
    if draw(st.integers(0, 3)) == 0:
        inherited: Any = None
        rows = model.like(p.relation, p.relation.sorted())
        return Program(
            f"({p.text} & dj.Top({limit}, {inherited}, {offset}))",
            model.top(rows, limit, [], offset),
            p.kinds,
            p.nullable_key,
        )
    order: list[model.Order] = []
    items: list[str] = []
    if p.plain and draw(st.booleans()):
        name, descending = draw(st.sampled_from(p.plain)), draw(st.booleans())
        nulls_first = draw(st.sampled_from([None, True, False]))
        way = (" DESC" if descending else "") + {None: "", True: " NULLS FIRST", False: " NULLS LAST"}[nulls_first]
        if p.kinds[name] == "int" and draw(st.booleans()):
            items.append(f"abs(`{name}` - 2){way}")
            order.append((_over_row(name, lambda x: abs(x - 2)), descending, nulls_first))
        else:
            items.append(f"`{name}`{way}")
            order.append((_over_row(name, lambda x: x), descending, nulls_first))
    items += [f"`{n}`" for n in p.relation.key]
    order += [(_over_row(n, lambda x: x), False, None) for n in p.relation.key]
    text = f"({p.text} & dj.Top({limit}, {items!r}, {offset}))"
    return Program(text, model.top(p.relation, limit, order, offset), p.kinds, p.nullable_key)


def _over_row(name: str, function: Any) -> Any:
    return lambda r: None if r[name] is None else function(r[name])


def _relatable(p: Program, q: Program) -> bool:
    return model.homologous(p.relation, q.relation) and not any(
        p.kinds[n] != q.kinds[n] for n in model.namesakes(p.relation, q.relation)
    )


@st.composite
def _semijoin(draw: st.DrawFn, p: Program, q: Program) -> Program:
    if not _relatable(p, q):
        return p
    kept, dropped = (model.semijoin(p.relation, q.relation, anti=anti) for anti in (False, True))
    if _prefer(draw, kept, dropped):
        return Program(f"({p.text} & {q.text})", kept, p.kinds, p.nullable_key)
    return Program(f"({p.text} - {q.text})", dropped, p.kinds, p.nullable_key)


def _kinds(p: Program, q: Program) -> dict[str, str]:
    """Return the kinds of the attributes of both."""
    return {n: q.kinds[n] for n in q.relation.names} | {n: p.kinds[n] for n in p.relation.names}


def _join(p: Program, q: Program) -> Program:
    if not _relatable(p, q) or len(p.relation.rows) * len(q.relation.rows) > 400:
        return p
    return Program(
        f"({p.text} * {q.text})",
        model.join(p.relation, q.relation),
        _kinds(p, q),
        p.nullable_key or q.nullable_key,
    )


def _left_join(p: Program, q: Program) -> Program:
    if not _relatable(p, q) or not model.determines(p.relation, q.relation):
        return p
    return Program(
        f"{p.text}.extend({q.text})", model.join(p.relation, q.relation, left=True), _kinds(p, q), p.nullable_key
    )


@st.composite
def _aggregate(draw: st.DrawFn, p: Program, q: Program) -> Program:
    if not _relatable(p, q) or not model.determines(q.relation, p.relation) or not q.relation.names:
        return p
    if any(n.startswith("z_") and len(n) > 20 for n in q.relation.names):
        return p
    inner = draw(st.booleans())
    names = [n for n in q.plain if n not in p.relation.names]
    chosen = _chosen(draw, summaries(q, names), p.relation.names)
    others = [n for n in p.plain if n not in p.relation.key]
    kept = draw(st.lists(st.sampled_from(others), unique=True)) if others else []
    summaries_ = {n: f for n, (_, f, _) in chosen.items()}
    relation = model.aggregate(p.relation, q.relation, summaries_, inner=inner, kept=kept)
    keywords = ", ".join(f"{n}={sql!r}" for n, (sql, _, _) in chosen.items())
    positional = "".join(f"{n!r}, " for n in kept)
    text = f"{p.text}.aggr({q.text}, {positional}exclude_nonmatching={inner}, {keywords})"
    return Program(text, relation, p.kinds | {n: k for n, (_, _, k) in chosen.items()}, p.nullable_key)


def _union(p: Program, q: Program) -> Program:
    a, b = p.relation, q.relation
    if set(a.key) != set(b.key) or not a.key or p.nullable_key or q.nullable_key or not _relatable(p, q):
        return p
    if set(a.names) & set(b.names) - set(a.key):
        return p
    return Program(f"({p.text} + {q.text})", model.union(a, b), _kinds(p, q))
