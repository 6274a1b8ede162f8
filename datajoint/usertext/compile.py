"""From a syntax tree to SQL for one engine: every kind of node that may occur has a method here, no other is accepted."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from datajoint.errors import InvalidValueError, QuerySyntaxError
from datajoint.usertext import aggregates as agg
from datajoint.usertext.arithmetic import arithmetic, divided, moved, negative, remainder, whole_quotient
from datajoint.usertext.calls import CALLS, Call, concatenated, json_path, substring, trimmed
from datajoint.usertext.casts import cast
from datajoint.usertext.comparison import (
    among,
    compared,
    is_null,
    is_true,
    joined,
    negated,
    null_safe,
    truth_value,
)
from datajoint.usertext.faults import point
from datajoint.usertext.functions import ROW_FUNCTIONS
from datajoint.usertext.moments import PARTS, part, time_added, time_between
from datajoint.usertext.operand import COMPARISON, Builder, Operand
from datajoint.usertext.unify import unify
from datajoint.usertext.vocabulary import UNITS
from datajoint.values.model import BOOL

if TYPE_CHECKING:
    from datajoint.heading import Attribute

Node = Any  # a node of sqlglot, whose classes are known here by name only

_COMPARISONS = {"EQ": "=", "NEQ": "<>", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">="}
_ARITHMETIC = {"Add": "+", "Sub": "-", "Mul": "*"}


class Compiler:
    """Compiles one tree.

    Parameters
    ----------
    build : Builder
    attributes : mapping of str to Attribute
    aggregates : bool
        Whether functions that summarise many rows may occur.
    """

    def __init__(self, build: Builder, attributes: Mapping[str, Attribute], *, aggregates: bool) -> None:
        self._build, self._attributes, self._aggregates = build, attributes, aggregates
        self.names: set[str] = set()
        self.loose: set[str] = set()
        self._summarising = False

    def compile(self, node: Node) -> Operand:
        """Return what a node means.

        Raises
        ------
        QuerySyntaxError
            For a node of a kind that is not accepted, or operands that do not fit.
        InvalidValueError
            For a literal that cannot be read as the type of what it meets.
        """
        try:
            operand = self._visited(node)
        except (QuerySyntaxError, InvalidValueError) as error:
            # The innermost node that knows its place in the text is the one at fault.
            starts = [start for inner in node.walk() if (start := inner.meta.get("start")) is not None]
            if starts:
                point(error, self._build.source, min(starts))
            raise
        # The parser writes NOT IN, NOT LIKE … as a mark on the node.
        return negated(self._build, operand) if node.args.get("negate") else operand

    def _visited(self, node: Node) -> Operand:
        kind = type(node).__name__
        if kind in {"EQ", "NEQ"} and _is_row(node.this) and _is_row(node.expression):
            same = self._same_rows(node.this, node.expression)
            return same if kind == "EQ" else negated(self._build, same)
        if kind in _COMPARISONS:
            return compared(self._build, _COMPARISONS[kind], self.compile(node.this), self.compile(node.expression))
        if kind in _ARITHMETIC:
            return self._arithmetic(_ARITHMETIC[kind], node)
        visit = _VISITORS.get(kind)
        if visit is None:
            raise self._build.refused(f"{kind.lower()} is not accepted")
        return visit(self, node)

    def _pair(self, node: Node) -> tuple[Operand, Operand]:
        return self.compile(node.this), self.compile(node.expression)

    # --- leaves
    def _column(self, node: Node) -> Operand:
        self.names.add(node.name)
        if not self._summarising:
            self.loose.add(node.name)
        return self._build.attribute(self._attributes[node.name])

    def _literal(self, node: Node) -> Operand:
        if node.args["is_string"]:
            return self._build.literal(node.this)
        try:
            size = float(node.this)
        except ValueError:  # the parser takes 1E for a number
            raise self._build.refused(f"{node.this} is no number") from None
        if math.isinf(size):
            raise self._build.refused("a number is too large")
        return self._build.literal(_number(node.this))

    def _null(self, node: Node) -> Operand:  # noqa: ARG002 - visitors have one form
        return self._build.literal(None)

    def _boolean(self, node: Node) -> Operand:
        return self._build.literal(bool(node.this))

    def _hex(self, node: Node) -> Operand:
        digits = str(node.this)
        return self._build.literal(bytes.fromhex(digits if len(digits) % 2 == 0 else f"0{digits}"))

    def _paren(self, node: Node) -> Operand:
        return self.compile(node.this)

    # --- logic
    def _connective(self, node: Node) -> Operand:
        # A chain of many conditions is a deep tree that leans to the left.
        kind, items = type(node), [node.expression]
        rest = node.this
        while type(rest) is kind:
            items.append(rest.expression)
            rest = rest.this
        items.append(rest)
        conditions = [self._build.truth(self.compile(item)) for item in reversed(items)]
        return joined(self._build, " AND " if kind.__name__ == "And" else " OR ", conditions)

    def _xor(self, node: Node) -> Operand:
        left, right = (self._build.truth(o) for o in self._pair(node))
        if left.is_null or right.is_null:
            return self._build.literal(None)
        return self._build.infix("<>", left, right, type=BOOL, rank=COMPARISON)

    def _not(self, node: Node) -> Operand:
        inner = node.this
        while type(inner).__name__ == "Paren":
            inner = inner.this
        if type(inner).__name__ == "Is" and type(inner.expression).__name__ == "Null":
            return is_null(self._build, self.compile(inner.this), value=False)
        operand = self.compile(inner)
        if operand.attribute and operand.type.kind == "bool":
            return truth_value(self._build, operand, value=False)
        return negated(self._build, self._build.truth(operand))

    def _is(self, node: Node) -> Operand:
        operand, what = self.compile(node.this), node.expression
        if type(what).__name__ == "Null":
            return is_null(self._build, operand)
        return is_true(self._build.truth(operand), value=bool(what.this))

    def _null_safe(self, node: Node) -> Operand:
        return null_safe(self._build, *self._pair(node))

    def _between(self, node: Node) -> Operand:
        operand = self.compile(node.this)
        low = compared(self._build, ">=", operand, self.compile(node.args["low"]))
        high = compared(self._build, "<=", operand, self.compile(node.args["high"]))
        return joined(self._build, " AND ", [low, high])

    def _in(self, node: Node) -> Operand:
        if node.args.get("query") or node.args.get("unnest") or node.args.get("field"):
            raise self._build.refused("subqueries have no place here")
        if _is_row(node.this):
            return joined(self._build, " OR ", [self._same_rows(node.this, item) for item in node.expressions])
        return among(self._build, self.compile(node.this), [self.compile(item) for item in node.expressions])

    def _same_rows(self, left: Node, right: Node) -> Operand:
        """Return ``(a, b) = (c, d)``: all values are equal, one by one."""
        if not _is_row(right) or len(left.expressions) != len(right.expressions):
            raise self._build.refused("a row in parentheses is compared with rows of as many values")
        pairs = zip(left.expressions, right.expressions, strict=True)
        same = [compared(self._build, "=", self.compile(a), self.compile(b)) for a, b in pairs]
        return joined(self._build, " AND ", same)

    def _like(self, node: Node) -> Operand:
        return self._pattern(node, None)

    def _escape(self, node: Node) -> Operand:
        escape = self.compile(node.expression).literal
        if not isinstance(escape, str) or len(escape) != 1 or type(node.this).__name__ not in {"Like", "ILike"}:
            raise self._build.refused("ESCAPE takes one character")
        return self._pattern(node.this, escape)

    def _pattern(self, node: Node, escape: str | None) -> Operand:
        operand, pattern = (self._build.text(o, "LIKE") for o in self._pair(node))
        if operand.is_null or pattern.is_null:
            return self._build.literal(None)
        if pattern.is_literal and escape in {None, "\\"}:
            pattern = self._build.literal(_closed_pattern(pattern.literal))
        if type(node).__name__ == "ILike":
            operand, pattern = (self._build.make("lower", o, type=o.type) for o in (operand, pattern))
        if escape in {None, "\\"}:
            return self._build.make("like", operand, pattern, type=BOOL, rank=COMPARISON)
        mark = self._build.literal(escape)
        return self._build.make("like with escape", operand, pattern, mark, type=BOOL, rank=COMPARISON)

    def _regexp(self, node: Node) -> Operand:
        operand, pattern = (self._build.text(o, "REGEXP") for o in self._pair(node))
        if operand.is_null or pattern.is_null:
            return self._build.literal(None)
        return self._build.make("matches", operand, pattern, type=BOOL, rank=COMPARISON)

    # --- arithmetic
    def _arithmetic(self, symbol: str, node: Node) -> Operand:
        for interval, other in ((node.expression, node.this), (node.this, node.expression)):
            if type(interval).__name__ == "Interval" and symbol != "*":
                if symbol == "-" and interval is node.this:
                    break
                return self._moved(other, interval, back=symbol == "-")
        return arithmetic(self._build, symbol, *self._pair(node))

    def _moved(self, moment: Node, interval: Node, *, back: bool) -> Operand:
        unit = interval.args.get("unit")
        if unit is None or type(unit).__name__ != "Var" or unit.name.upper() not in UNITS:
            raise self._build.refused(
                "an interval is one number and one unit", f"Units are {', '.join(sorted(UNITS))}."
            )
        return moved(self._build, self.compile(moment), self.compile(interval.this), unit.name.upper(), back=back)

    def _interval(self, node: Node) -> Operand:  # noqa: ARG002 - visitors have one form
        raise self._build.refused("an interval can only be added to a date or subtracted from one")

    def _divide(self, node: Node) -> Operand:
        return divided(self._build, *self._pair(node))

    def _whole_divide(self, node: Node) -> Operand:
        return whole_quotient(self._build, *self._pair(node))

    def _modulo(self, node: Node) -> Operand:
        return remainder(self._build, *self._pair(node))

    def _negative(self, node: Node) -> Operand:
        return negative(self._build, self.compile(node.this))

    def _double_pipe(self, node: Node) -> Operand:
        left, right = self._pair(node)
        if not (left.type.is_text or right.type.is_text):
            raise self._build.refused("|| joins texts, and neither side is one", "Write OR, or concat(…).")
        return concatenated(self._build, "||", (left, right))

    # --- choices and types
    def _case(self, node: Node) -> Operand:
        subject = node.args.get("this")
        conditions = [self._when(subject, branch.this) for branch in node.args["ifs"]]
        results = [self.compile(branch.args["true"]) for branch in node.args["ifs"]]
        default = node.args.get("default")
        results.append(self.compile(default) if default is not None else self._build.literal(None))
        results_as_one, common = unify(self._build, results, "CASE")
        operands = [o for pair in zip(conditions, results_as_one, strict=False) for o in pair] + [results_as_one[-1]]
        whens = " ".join(f"WHEN {{{2 * i}}} THEN {{{2 * i + 1}}}" for i in range(len(conditions)))
        form = f"CASE {whens} ELSE {{{len(operands) - 1}}} END"
        return self._build.written(form, *operands, type=common, nullable=any(o.nullable for o in results_as_one))

    def _when(self, subject: Node | None, condition: Node) -> Operand:
        if subject is None:
            return self._build.truth(self.compile(condition))
        return compared(self._build, "=", self.compile(subject), self.compile(condition))

    def _if(self, node: Node) -> Operand:
        arguments = [node.this, node.args.get("true"), node.args.get("false")]
        if any(a is None for a in arguments):
            raise self._build.refused("if() takes a condition and two values")
        return self._apply("if", CALLS["if"], [self.compile(a) for a in arguments])

    def _cast(self, node: Node) -> Operand:
        numbers = [int(p.name) for p in node.args["to"].expressions]
        return cast(self._build, self.compile(node.this), node.args["to"].this.value.lower(), numbers)

    def _json(self, node: Node) -> Operand:
        path = self.compile(node.expression).literal
        if isinstance(path, bool) or not isinstance(path, (str, int)):
            raise self._build.refused("-> takes a path that is written out")
        return json_path(self._build, self.compile(node.this), path)

    # --- calls
    def _call(self, node: Node) -> Operand:
        name = str(node.this).lower()
        if name in agg.SUMMARIES:
            return self._summary(name, node.expressions)
        if name in {"timestampdiff", "timestampadd"}:
            return self._with_unit(name, node.expressions)
        if name in {"date_add", "date_sub", "adddate", "subdate"}:
            return self._date_call(name, node.expressions)
        if name not in ROW_FUNCTIONS:
            raise self._build.refused(f"there is no function {name}()")
        return self._apply(name, ROW_FUNCTIONS[name], [self.compile(a) for a in node.expressions])

    def _apply(self, name: str, call: Call, arguments: list[Operand]) -> Operand:
        if len(arguments) < call.low or (call.high is not None and len(arguments) > call.high):
            expected = str(call.low) if call.low == call.high else f"{call.low} to {call.high or 'any number of'}"
            raise self._build.refused(f"{name}() takes {expected} arguments, not {len(arguments)}")
        return call.handler(self._build, name, arguments)

    def _with_unit(self, name: str, arguments: list[Node]) -> Operand:
        if len(arguments) != 3 or (unit := arguments[0].name.upper()) not in UNITS:  # noqa: PLR2004 - unit and two values
            raise self._build.refused(f"{name}() takes a unit and two values", f"Units are {', '.join(sorted(UNITS))}.")
        function = time_between if name == "timestampdiff" else time_added
        return function(self._build, unit, self.compile(arguments[1]), self.compile(arguments[2]))

    def _date_call(self, name: str, arguments: list[Node]) -> Operand:
        if len(arguments) != 2 or type(arguments[1]).__name__ != "Interval":  # noqa: PLR2004 - date and interval
            raise self._build.refused(f"{name}() takes a date and an interval", f"Write {name}(x, interval 1 day).")
        return self._moved(arguments[0], arguments[1], back=name in {"date_sub", "subdate"})

    def _extract(self, node: Node) -> Operand:
        unit = node.this.name.upper()
        if unit not in PARTS:
            raise self._build.refused(f"extract() takes no {unit}", f"Units are {', '.join(sorted(PARTS))}.")
        return part(self._build, unit.lower(), self.compile(node.expression), "extract")

    def _trim(self, node: Node) -> Operand:
        removed = node.args.get("expression")
        side = str(node.args.get("position") or "BOTH").upper()
        return trimmed(
            self._build, side, self.compile(node.this), self.compile(removed) if removed is not None else None
        )

    def _substring(self, node: Node) -> Operand:
        arguments = [node.this, node.args.get("start"), node.args.get("length")]
        if arguments[1] is None:
            raise self._build.refused("substring() takes a text and a position")
        return substring(self._build, "substring", [self.compile(a) for a in arguments if a is not None])

    # --- summaries
    def _summary(self, name: str, arguments: list[Node]) -> Operand:
        self._check_summary(name)
        if len(arguments) != 1:
            raise self._build.refused(f"{name}() takes one argument")
        argument, distinct = arguments[0], False
        if type(argument).__name__ == "Star":
            if name != "count":
                raise self._build.refused(f"{name}(*) has no meaning")
            return agg.count_rows(self._build)
        if type(argument).__name__ == "Distinct":
            if len(argument.expressions) != 1:
                raise self._build.refused(f"{name}(DISTINCT …) takes one argument", "Use concat(…) for combinations.")
            argument, distinct = argument.expressions[0], True
        return agg.summarised(self._build, name, self._inside(argument), distinct=distinct)

    def _check_summary(self, name: str) -> None:
        if not self._aggregates:
            raise self._build.refused(
                f"{name}() summarises many rows, and here each row stands by itself",
                f"Use it in aggr, as in A.aggr(B, new='{name}(…)').",
            )

    def _inside(self, node: Node) -> Operand:
        """Return what is summarised; it cannot be a summary itself."""
        outside, self._summarising = self._summarising, True
        operand = self.compile(node)
        self._summarising = outside
        if operand.aggregate:
            raise self._build.refused("a summary cannot be summarised", "Aggregate the aggregation.")
        return operand

    def _group_concat(self, node: Node) -> Operand:
        self._check_summary("group_concat")
        separator = node.args.get("separator")
        written = self.compile(separator).literal if separator is not None else ","
        value, order = node.this, []
        if type(written).__name__ == "_NoLiteral" or not isinstance(written, str):
            raise self._build.refused("the separator is a text that is written out")
        if type(value).__name__ == "Order":
            order = [agg.OrderKey(self._inside(item.this), bool(item.args.get("desc"))) for item in value.expressions]
            value = value.this
        distinct = type(value).__name__ == "Distinct"
        if distinct:
            if len(value.expressions) != 1:
                raise self._build.refused("group_concat(DISTINCT …) takes one argument", "Use concat(…) inside.")
            value = value.expressions[0]
        return agg.group_concat(self._build, self._inside(value), written, order, distinct=distinct)

    def _concat(self, node: Node) -> Operand:
        # Several arguments of group_concat, which the parser gathers.
        return concatenated(self._build, "group_concat", [self.compile(e) for e in node.expressions])


def _is_row(node: Node) -> bool:
    return type(node).__name__ == "Tuple"


def _number(text: str) -> int | float | Decimal:
    if "e" in text.lower():
        return float(text)
    return Decimal(text) if "." in text else int(text)


def _closed_pattern(pattern: str) -> str:
    """Return a pattern in which a lone escape at the end means itself, as on MySQL."""
    trailing = len(pattern) - len(pattern.rstrip("\\"))
    return pattern + "\\" if trailing % 2 else pattern


_VISITORS: dict[str, Callable[[Compiler, Node], Operand]] = {
    "Column": Compiler._column, "Literal": Compiler._literal, "Null": Compiler._null, "Boolean": Compiler._boolean,
    "HexString": Compiler._hex, "Paren": Compiler._paren, "And": Compiler._connective, "Or": Compiler._connective,
    "Xor": Compiler._xor, "Not": Compiler._not, "Is": Compiler._is, "NullSafeEQ": Compiler._null_safe,
    "Between": Compiler._between, "In": Compiler._in, "Like": Compiler._like, "ILike": Compiler._like,
    "Escape": Compiler._escape, "RegexpLike": Compiler._regexp, "Div": Compiler._divide,
    "IntDiv": Compiler._whole_divide, "Mod": Compiler._modulo, "Neg": Compiler._negative,
    "DPipe": Compiler._double_pipe, "Case": Compiler._case, "If": Compiler._if, "Cast": Compiler._cast,
    "Interval": Compiler._interval, "JSONExtract": Compiler._json, "JSONExtractScalar": Compiler._json,
    "Anonymous": Compiler._call, "Extract": Compiler._extract, "Trim": Compiler._trim,
    "Substring": Compiler._substring, "GroupConcat": Compiler._group_concat, "Concat": Compiler._concat,
}  # fmt: skip
