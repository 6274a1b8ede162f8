"""What a form asks for: the attributes of a table as fields, its foreign keys as choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import datajoint as dj
from datajoint.heading import Attribute
from datajoint_jupyter.display.values import kind_of
from datajoint_jupyter.widgets.form.units import unit_of

Input = Literal["line", "lines", "number", "date", "moment", "choice", "json", "literal", "path"]

_LONG = 120  # characters beyond which a text gets several lines
_PATHS = {"attach", "filepath", "object"}
_FORMS = {
    "time": "23:59:59",
    "year": "2024",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "datetime": "2024-01-31 23:59:59",
    "timestamp": "2024-01-31 23:59:59",
}


@dataclass(frozen=True, slots=True)
class Field:
    """An attribute that a form asks for.

    Attributes
    ----------
    name, type, comment, unit : str
    input : str
        How the page asks for it.
    labels : tuple of str
        What may be chosen, for ``choice``.
    in_key, required : bool
        A required attribute has neither a default nor may it be missing.
    otherwise : str
        What is stored if nothing is given, in words; empty for a required attribute.
    form : str
        What a value looks like, where that needs to be said.
    empty_is_value : bool
        Whether an empty text is a value, as for all texts.
    foreign : bool
        Whether a foreign key chooses it.
    """

    name: str
    type: str
    comment: str
    unit: str
    input: Input
    labels: tuple[str, ...]
    in_key: bool
    required: bool
    otherwise: str
    form: str
    empty_is_value: bool
    foreign: bool

    def state(self) -> dict[str, Any]:
        """Return what the page needs to know."""
        return {**asdict(self), "labels": list(self.labels)}


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: a row of `parent` is chosen, and `attributes` take its values.

    Attributes
    ----------
    parent : Table
    attributes : tuple of (str, str)
        Attribute here, attribute of the parent.
    """

    parent: dj.FreeTable
    attributes: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """Name of the parent's table."""
        return f"{self.parent.database}.{self.parent.table_name}"

    def state(self) -> dict[str, Any]:
        """Return what the page needs to know."""
        return {"parent": self.name, "attributes": [name for name, _ in self.attributes]}


def references_of(table: dj.Table) -> tuple[Reference, ...]:
    """Return the foreign keys of a table, those in its primary key first."""
    found = table.parents(as_objects=True, foreign_key_info=True)
    ordered = sorted(found, key=lambda item: not item[1]["primary"])
    return tuple(Reference(parent, tuple(info["attr_map"].items())) for parent, info in ordered)


def fields_of(table: dj.Table, references: Sequence[Reference]) -> tuple[Field, ...]:
    """Return the attributes of a table as fields, in their order."""
    foreign = {name for reference in references for name, _ in reference.attributes}
    return tuple(_field(attribute, foreign) for attribute in table.heading.attributes.values())


def _field(attribute: Attribute, foreign: set[str]) -> Field:
    value_type, how = attribute.value_type, input_of(attribute)
    default = attribute.default
    return Field(
        name=attribute.name,
        type=attribute.declared_type,
        comment=attribute.comment,
        unit=unit_of(attribute.comment) if how == "number" else "",
        input=how,
        labels=value_type.labels or (("True", "False") if how == "choice" else ()),
        in_key=attribute.in_key,
        required=not (attribute.nullable or attribute.autoincrement or default is not None),
        otherwise=_otherwise(attribute),
        form=_form(how, value_type.kind),
        empty_is_value=how in ("line", "lines") and value_type.kind in ("char", "varchar", "text"),
        foreign=attribute.name in foreign,
    )


def input_of(attribute: Attribute) -> Input:
    """Return how a page asks for a value of an attribute."""
    codec = getattr(attribute.codec, "name", None) if attribute.codec is not None else None
    if codec is not None:
        return "path" if codec in _PATHS else "literal"
    kind = attribute.value_type.kind
    if kind in ("bool", "enum"):
        return "choice"
    if kind in ("bytes", "unknown"):
        return "literal"
    if kind == "json":
        return "json"
    if kind_of(attribute) == "number":
        return "number"
    if kind == "date":
        return "date"
    if kind in ("datetime", "timestamp"):
        return "moment"
    long = kind == "text" or (attribute.value_type.length or 0) > _LONG
    return "lines" if long and not attribute.in_key else "line"


def _otherwise(attribute: Attribute) -> str:
    if attribute.autoincrement:
        return "the database counts on"
    default = attribute.default
    if default is None or default.lower() == "null":
        return "no value (NULL)" if attribute.nullable else ""
    shown = default.strip("'\"")
    return f"default {shown}" if shown else "default: an empty text"


def _form(how: Input, kind: str) -> str:
    if how == "json":
        return 'JSON, such as {"a": 1}'
    if how == "literal":
        return "a Python value, such as [1, 2.5] or {'a': 1}"
    if how == "path":
        return "path of a file that the kernel sees"
    return _FORMS.get(kind, "")
