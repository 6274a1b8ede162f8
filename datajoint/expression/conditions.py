"""From what users write after ``&`` and ``-`` to a predicate tree."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple
from uuid import UUID

from datajoint.backends.json_paths import read_cast
from datajoint.errors import DataJointError, InvalidTypeError, InvalidValueError, QuerySyntaxError
from datajoint.expression import predicates as p
from datajoint.expression.canonical import all_canonical, is_canonical, plain_keys
from datajoint.expression.frames import is_frame, is_record, records
from datajoint.expression.matching import check_lineage, check_types, namesakes
from datajoint.expression.near import Near
from datajoint.expression.operand import Operand, as_operand, check_connection
from datajoint.expression.top import AndList, Not, Top
from datajoint.heading import Attribute, Heading
from datajoint.logging import logger
from datajoint.naming import did_you_mean, shorten
from datajoint.sql.fragment import Sql
from datajoint.usertext import UserFragment, compile_condition
from datajoint.values.accept import is_missing, plain
from datajoint.values.compare import Comparison, compare
from datajoint.values.documents import to_json
from datajoint.values.model import TEXT

# Beyond so many alternatives the keys travel in one parameter instead of in the text of the statement.
MANY_KEYS = 20

JSON_KEY = re.compile(r"^(?P<attribute>\w+)\.(?P<path>[\w.*\[\]]+)(?::(?P<cast>[\w(,\s)]+))?$")

Key = tuple[Any, ...]


class Condition(NamedTuple):
    """A condition as read.

    Attributes
    ----------
    predicate : Predicate
    unmatched : tuple of str
        The names in mappings that name no attribute at all; such a mapping restricts nothing.
    """

    predicate: p.Predicate
    unmatched: tuple[str, ...] = ()


def read_condition(condition: Any, left: Operand, *, semantic_check: bool = True) -> Condition:
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
        compared with, or operands on different connections; and for a mapping that names no attribute, if the
        setting ``query.unmatched_mapping`` says so.
    """
    reader = _Reader(left, semantic_check=semantic_check)
    predicate = reader.read(condition)
    if reader.unmatched:
        _report(reader.unmatched, left)
    return Condition(predicate, tuple(reader.unmatched))


def _report(names: Iterable[str], left: Operand) -> None:
    """Do what the settings ask for when a mapping has nothing to say about an expression."""
    action = left.connection.settings.query.unmatched_mapping
    if action == "ignore":
        return
    known = left._node.heading.names
    message = f"No attribute is named {', '.join(f'`{n}`' for n in names)}: the mapping restricts nothing."
    hint = next((h for n in names if (h := did_you_mean(n, known))), f"The attributes are {', '.join(known)}.")
    if action == "raise":
        raise DataJointError(message, hint=hint)
    logger.warning("%s %s", message, hint)


class _Reader:
    def __init__(self, left: Operand, *, semantic_check: bool) -> None:
        self.left = left
        self.heading: Heading = left._node.heading
        self.semantic_check = semantic_check
        self.unmatched: dict[str, None] = {}

    def read(self, condition: Any) -> p.Predicate:
        # By far the most frequent condition, and it is none of the others.
        if type(condition) is dict:
            return p.conjunction(self._parts(condition))
        # The order of these tests is part of the language: the first that fits decides.
        if isinstance(condition, Not):
            return p.negate(self.read(condition.restriction))
        if isinstance(condition, Top):
            raise DataJointError(f"Invalid restriction type {condition!r}")
        if isinstance(condition, str):
            return self._text(condition)
        if isinstance(condition, Sql):
            return p.Text(condition)
        if isinstance(condition, AndList):
            return p.conjunction([self.read(item) for item in condition])
        if _is_universal(condition):
            return p.Constant(value=True)
        if isinstance(condition, Near):
            return condition.predicate(self.left)
        if isinstance(condition, bool) or type(condition).__name__ in {"bool_", "bool"}:
            return p.Constant(bool(condition))
        if isinstance(condition, Mapping):
            return p.conjunction(self._parts(condition))
        if is_record(condition):
            return p.conjunction(self._parts(_as_mapping(condition)))
        operand = as_operand(condition)
        if operand is not None:
            return self._operand(operand)
        if is_frame(condition):
            return self._alternatives(records(condition))
        if isinstance(condition, Iterable) and getattr(condition, "ndim", 1) != 0:
            return self._alternatives(condition)
        raise DataJointError(f"Invalid restriction type {type(condition).__name__}: {shorten(condition)}")

    @property
    def _infinity(self) -> bool:
        return bool(self.left.connection.dialect.float_infinity)

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
        check_types(self.heading, node.heading)
        return p.Exists(namesakes(self.heading, node.heading), node)

    # --- mappings
    def _parts(self, mapping: Mapping[Any, Any]) -> list[p.Predicate]:
        """Return the equalities of a mapping; names that this heading lacks are ignored, by the rules of the language."""
        attributes = self.heading.attributes
        parts: list[p.Predicate] = []
        for name, value in mapping.items():
            key = name if type(name) is str else str(name)
            if key in attributes:
                attribute = attributes[key]
                # Keys as fetched: nothing of what follows could change them.
                if is_canonical(attribute, value):
                    parts.append(p.Compare(key, attribute.value_type, Comparison("bound", "=", value)))
                else:
                    parts.append(self._equality(attribute, value))
            elif "." in key and key.partition(".")[0] in attributes:
                parts.append(self._at_path(key, value))
        if not parts:
            self.unmatched.update(dict.fromkeys(map(str, mapping)))
        return parts

    def _equality(self, attribute: Attribute, value: Any) -> p.Predicate:
        if is_missing(attribute.value_type, value) and not (isinstance(value, str) and attribute.value_type.is_text):
            return p.IsNull(attribute.name)
        if attribute.codec is not None:
            raise DataJointError(
                f"Cannot restrict by attribute `{attribute.name}` of type {attribute.type}: "
                "its stored form has no order or equality.",
                attribute=attribute.name,
                hint="Restrict by other attributes; {'" + attribute.name + "': None} is possible.",
            )
        if attribute.value_type.kind == "json":
            comparison = self._compare(attribute, _unpacked(value))
            if comparison.outcome == "none":
                return self._decided(attribute, comparison)
            return p.JsonPath(attribute.name, "", None, p.Document(comparison.value))
        if _is_list(value):
            return self._any_value(attribute, value)
        comparison = self._compare(attribute, value)
        return self._decided(attribute, comparison)

    def _any_value(self, attribute: Attribute, values: Iterable[Any]) -> p.Predicate:
        """Return that an attribute has one of some values."""
        values = _members(values)
        if len(values) > MANY_KEYS and all_canonical(attribute, values):
            return p.OneOf((attribute.name,), (attribute.value_type,), tuple(dict.fromkeys(zip(values))))
        equalities = list(dict.fromkeys(self._equality(attribute, value) for value in values))
        if len(equalities) <= MANY_KEYS:
            return p.disjunction(equalities)
        bound = [e for e in equalities if _is_key(e)]
        rows = tuple((e.comparison.value,) for e in bound)  # type: ignore[union-attr]
        others = [e for e in equalities if not _is_key(e)]
        many = [p.OneOf((attribute.name,), (attribute.value_type,), rows)] if rows else []
        return p.disjunction([*many, *others])

    def _compare(self, attribute: Attribute, value: Any) -> Comparison:
        try:
            return compare(attribute.value_type, "=", value, infinity=self._infinity)
        except DataJointError as error:
            error.attribute = error.attribute or attribute.name
            if error.args and f"`{attribute.name}`" not in str(error):
                error.args = (f"{error.args[0]} (in restriction by `{attribute.name}`)", *error.args[1:])
            raise

    def _decided(self, attribute: Attribute, comparison: Comparison) -> p.Predicate:
        if comparison.outcome == "none" and not attribute.nullable:
            return p.Constant(value=False)
        return p.Compare(attribute.name, attribute.value_type, comparison)

    # --- JSON
    def _at_path(self, key: str, value: Any) -> p.Predicate:
        match = JSON_KEY.match(key)
        if match is None:
            raise QuerySyntaxError(
                f"Cannot read {key!r} as attribute.path or attribute.path:type of a JSON attribute.",
                hint="Write it as in 'a.b[0].c:unsigned'.",
            )
        name, path, cast = match["attribute"], match["path"], match["cast"]
        attribute = self.heading[name]
        if not attribute.json:
            raise DataJointError(
                f"Attribute `{name}` of type {attribute.type} has no paths; only JSON attributes have.", attribute=name
            )
        if is_missing(TEXT, value):
            return p.JsonPath(name, path, cast, None)
        try:
            if cast is not None:
                wanted: Any = compare(read_cast(cast).value_type, "=", value, infinity=self._infinity)
            else:
                wanted = _json_operand(value)
        except InvalidTypeError as error:
            raise InvalidTypeError(f"{error.args[0]} (in restriction by `{key}`)", attribute=name) from error
        except InvalidValueError:  # no JSON value is like that
            wanted = Comparison("none")
        return p.JsonPath(name, path, cast, wanted)

    # --- lists
    def _alternatives(self, items: Iterable[Any]) -> p.Predicate:
        members = list(items)
        if len(members) <= MANY_KEYS:
            return p.disjunction([self.read(member) for member in members])
        plain = plain_keys(self.heading, members)
        if plain is not None:
            return plain
        rows = [
            m if isinstance(m, Mapping) else _as_mapping(m) for m in members if isinstance(m, Mapping) or is_record(m)
        ]
        others = [self.read(m) for m in members if not (isinstance(m, Mapping) or is_record(m))]
        return p.disjunction([*self._keys(rows), *others])

    def _keys(self, rows: Sequence[Mapping[Any, Any]]) -> list[p.Predicate]:
        """Gather mappings that ask the same but for the values of keys: these travel together."""
        groups: dict[tuple[tuple[p.Predicate, ...], tuple[str, ...]], dict[Key, None]] = {}
        types: dict[str, Any] = {}
        for row in rows:
            parts = self._parts(row)
            keys = [part for part in parts if _is_key(part)]
            others = tuple(part for part in parts if not _is_key(part)) if len(keys) < len(parts) else ()
            names = tuple([k.name for k in keys])  # type: ignore[union-attr]
            values = tuple([k.comparison.value for k in keys])  # type: ignore[union-attr]
            groups.setdefault((others, names), {})[values] = None
        found = []
        for (others, names), values_ in groups.items():
            types = {n: self.heading[n].value_type for n in names}
            many = [p.OneOf(names, tuple(types.values()), tuple(values_))] if names else []
            found.append(p.conjunction([*others, *many]))
        return found


def _is_key(predicate: p.Predicate) -> bool:
    return (
        isinstance(predicate, p.Compare)
        and predicate.comparison.outcome == "bound"
        and predicate.comparison.operator == "="
    )


def _members(values: Any) -> list[Any]:
    """Return the members of an iterable; those of numpy's integer and text arrays as Python values."""
    kind = getattr(getattr(values, "dtype", None), "kind", "")
    members: list[Any] = values.tolist() if kind in {"i", "u", "U"} and values.ndim == 1 else list(values)
    return members


def _is_list(value: Any) -> bool:
    """Tell whether a value stands for any of its members; arrays of no dimension are scalars."""
    if isinstance(value, (str, bytes, bytearray, memoryview, Mapping)):
        return False
    return isinstance(value, Iterable) and getattr(value, "ndim", 1) != 0


def _unpacked(value: Any) -> Any:
    """Return an array as lists, which JSON knows."""
    return value.tolist() if hasattr(value, "tolist") and getattr(value, "ndim", 0) != 0 else value


def _json_operand(value: Any) -> p.Document | Comparison:
    """Return what the value at a path is compared with: text as text, everything else as a JSON value."""
    value = _unpacked(plain(value))
    if isinstance(value, (PurePath, UUID)):
        value = str(value)
    elif isinstance(value, (dt.date, dt.time)):
        value = value.isoformat()
    elif hasattr(value, "as_tuple"):  # a Decimal, whose document is the number
        value = int(value) if value == int(value) else float(value)
    return compare(TEXT, "=", value) if isinstance(value, str) else p.Document(to_json(value))


def _as_mapping(record: Any) -> dict[str, Any]:
    return {name: record[name] for name in record.dtype.names}


def _is_universal(condition: Any) -> bool:
    from datajoint.expression.universal import U  # noqa: PLC0415 - U builds expressions, which import this module

    return isinstance(condition, U) or condition is U
