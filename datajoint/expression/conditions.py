"""From what users write after ``&`` and ``-`` to a predicate tree."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from datajoint.errors import DataJointError, InvalidTypeError
from datajoint.expression import predicates as p
from datajoint.expression.matching import check_lineage, namesakes
from datajoint.expression.operand import Operand, as_operand, check_connection
from datajoint.expression.top import AndList, Not, Top
from datajoint.heading import Attribute, Heading
from datajoint.sql.fragment import Sql
from datajoint.usertext import UserFragment, compile_condition
from datajoint.values.accept import is_missing
from datajoint.values.compare import compare

# Beyond so many alternatives the keys travel in one parameter instead of in the text of the statement.
MANY_KEYS = 20

JSON_KEY = re.compile(r"^(?P<attribute>\w+)\.(?P<path>[\w.*\[\]]+)(?::(?P<cast>[\w(,\s)]+))?$")


def make_predicate(condition: Any, left: Operand, *, semantic_check: bool = True) -> p.Predicate:
    """Turn any condition into a predicate over the attributes of `left`.

    Parameters
    ----------
    condition : object
        See `datajoint.expression.QueryExpression.restrict`.
    left : Operand
        The expression to be restricted.
    semantic_check : bool
        Whether namesakes of expressions must share their origin.

    Raises
    ------
    DataJointError
        For an object that is no condition, an unknown attribute in a text, a value that its attribute cannot be
        compared with, or operands on different connections.
    """
    return _Maker(left, semantic_check=semantic_check).make(condition)


class _Maker:
    def __init__(self, left: Operand, *, semantic_check: bool) -> None:
        self.left = left
        self.heading: Heading = left._node.heading
        self.semantic_check = semantic_check

    def make(self, condition: Any) -> p.Predicate:
        # By far the most frequent condition, and it is none of the others.
        if type(condition) is dict:
            return self._mapping(condition)
        # The order of these tests is part of the language: the first that fits decides.
        if isinstance(condition, Not):
            return p.negate(self.make(condition.restriction))
        if isinstance(condition, Top):
            raise DataJointError(f"Invalid restriction type {condition!r}")
        if isinstance(condition, str):
            return self._text(condition)
        if isinstance(condition, Sql):
            return p.Text(condition)
        if isinstance(condition, AndList):
            return p.conjunction([self.make(item) for item in condition])
        if _is_universal(condition):
            return p.Constant(value=True)
        if isinstance(condition, bool) or type(condition).__name__ in {"bool_", "bool"}:
            return p.Constant(bool(condition))
        if isinstance(condition, Mapping):
            return self._mapping(condition)
        if _is_record(condition):
            return self._mapping({name: condition[name] for name in condition.dtype.names})
        operand = as_operand(condition)
        if operand is not None:
            return self._operand(operand)
        if _is_dataframe(condition):
            return self._alternatives(_records(condition))
        if isinstance(condition, Iterable):
            return self._alternatives(condition)
        raise DataJointError(f"Invalid restriction type {type(condition).__name__}: {str(condition)[:80]}")

    def _text(self, text: str) -> p.Predicate:
        heading, backend = self.heading, self.left.connection.backend
        fragment: UserFragment = heading.derived(
            ("condition", text, backend), lambda: compile_condition(text, heading._attributes, backend)
        )
        if fragment.parts in {("TRUE",), ("FALSE",)}:
            return p.Constant(fragment.parts == ("TRUE",))
        return p.Text(fragment)

    def _operand(self, right: Operand) -> p.Predicate:
        check_connection(self.left, right)
        node = right._node
        if self.semantic_check:
            check_lineage(self.heading, node.heading)
        return p.Exists(namesakes(self.heading, node.heading), node)

    # --- mappings
    def _known(self, mapping: Mapping[Any, Any]) -> list[tuple[str, Any]]:
        """Return the items whose attribute this heading has; others are ignored by the rules of the language."""
        return [(k, v) for k, v in mapping.items() if str(k).split(".", 1)[0] in self.heading.attributes]

    def _mapping(self, mapping: Mapping[Any, Any]) -> p.Predicate:
        return p.conjunction([self._equality(str(key), value) for key, value in self._known(mapping)])

    def _equality(self, key: str, value: Any) -> p.Predicate:
        if "." in key:
            match = JSON_KEY.match(key)
            if match is None:
                raise DataJointError(
                    f"Cannot read {key!r} as attribute.path or attribute.path:type of a JSON attribute."
                )
            return p.JsonPath(match["attribute"], match["path"], match["cast"], _json_operand(key, value))
        attribute = self.heading[key]
        if is_missing(attribute.value_type, value) and not (isinstance(value, str) and attribute.value_type.is_text):
            return p.IsNull(key)
        if attribute.codec is not None:
            raise DataJointError(
                f"Cannot restrict by attribute `{key}` of type {attribute.type}: its stored form has no order or equality.",
                hint="Restrict by other attributes; {'" + key + "': None} is possible.",
            )
        if attribute.value_type.kind == "json":
            return self._json_equality(attribute, value)
        if not isinstance(value, str | bytes | bytearray | Mapping) and isinstance(value, Iterable):
            return p.disjunction([self._equality(key, item) for item in value])
        return self._compare(attribute, value)

    def _compare(self, attribute: Attribute, value: Any) -> p.Predicate:
        try:
            infinity = self.left.connection.backend.dialect.float_infinity
            comparison = compare(attribute.value_type, "=", value, infinity=infinity)
        except DataJointError as error:
            error.attribute = error.attribute or attribute.name
            if error.args and f"`{attribute.name}`" not in str(error):
                error.args = (f"{error.args[0]} (in restriction by `{attribute.name}`)", *error.args[1:])
            raise
        if comparison.outcome == "none" and not attribute.nullable:
            return p.Constant(value=False)
        return p.Compare(attribute.name, attribute.value_type, comparison)

    def _json_equality(self, attribute: Attribute, value: Any) -> p.Predicate:
        try:
            document = json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise InvalidTypeError(
                f"Cannot compare JSON attribute `{attribute.name}` with {str(value)[:80]!r}: {error}.",
                attribute=attribute.name,
            ) from error
        return p.JsonPath(attribute.name, "", None, document)

    # --- lists
    def _alternatives(self, items: Iterable[Any]) -> p.Predicate:
        members = list(items)
        if len(members) > MANY_KEYS and all(isinstance(m, Mapping) or _is_record(m) for m in members):
            return self._many(members)
        return p.disjunction([self.make(member) for member in members])

    def _many(self, members: Sequence[Any]) -> p.Predicate:
        """Collect alternatives that name the same attributes; what cannot travel as a key stays a condition."""
        keys: list[tuple[tuple[str, ...], tuple[Any, ...]]] = []
        others: list[p.Predicate] = []
        for member in members:
            if not isinstance(member, Mapping):
                member = {name: member[name] for name in member.dtype.names}  # noqa: PLW2901 - the same row as a mapping
            predicate = self._mapping(member)
            parts = predicate.items if isinstance(predicate, p.All) else (predicate,)
            if all(
                isinstance(c, p.Compare) and c.comparison.outcome == "bound" and c.comparison.operator == "="
                for c in parts
            ):
                compares: list[Any] = list(parts)
                keys.append((tuple(c.name for c in compares), tuple(c.comparison.value for c in compares)))
            else:
                others.append(predicate)
        keys.sort(key=lambda item: item[0])
        for names, group in groupby(keys, key=lambda item: item[0]):
            rows = tuple(dict.fromkeys(values for _, values in group))
            types = tuple(self.heading[name].value_type for name in names)
            others.append(p.OneOf(names, types, rows))
        return p.disjunction(others)


def _json_operand(key: str, value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(
            f"Cannot compare JSON path `{key}` with {str(value)[:80]!r}: {error}.", attribute=key
        ) from error


def _is_universal(condition: Any) -> bool:
    from datajoint.expression.universal import U  # noqa: PLC0415 - U builds expressions, which import this module

    return isinstance(condition, U) or condition is U


def _is_record(value: Any) -> bool:
    return (
        type(value).__name__ in {"void", "record"} and getattr(getattr(value, "dtype", None), "names", None) is not None
    )


def _is_dataframe(value: Any) -> bool:
    return type(value).__name__ == "DataFrame" and type(value).__module__.split(".")[0] in {"pandas", "polars"}


def _records(frame: Any) -> list[dict[str, Any]]:
    """Return the rows of a data frame as dicts; a pandas index becomes fields."""
    if type(frame).__module__.startswith("polars"):
        return list(frame.to_dicts())
    records = frame.to_records()
    return [dict(zip(records.dtype.names, record.tolist(), strict=True)) for record in records]
