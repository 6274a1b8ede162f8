"""What an expression's rows look like: attributes in order, with types, key, and lineage."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from datajoint.values.model import UNKNOWN, ValueType

T = TypeVar("T")

_DERIVED = 512  # things derived from one heading, before they are forgotten


class Attribute(NamedTuple):
    """One attribute of a heading.

    Attributes
    ----------
    name : str
    type : str
        The database's type, or the codec's spelling such as ``<blob>``; ``expression`` for computed attributes.
    original_type : str or None
        The declared core type, where the column's comment tells it.
    in_key, nullable : bool
    default : str or None
        Text of the default; ``null`` for nullable attributes without another.
    comment : str
    autoincrement, numeric, string, uuid, json, is_blob, is_hidden : bool
    codec : object or None
        The codec instance of a codec attribute.
    store : str or None
        None without ``@``, an empty string for the default store, else its name.
    unsupported : bool
    attribute_expression : str or None
        Of a computed or renamed attribute, the SQL that yields it.
    dtype : object
        numpy dtype in structured arrays.
    lineage : str or None
        ``schema.table.attribute`` where the attribute was first declared.
    """

    name: str
    type: str = "expression"
    original_type: str | None = None
    in_key: bool = False
    nullable: bool = False
    default: str | None = None
    comment: str = ""
    autoincrement: bool = False
    numeric: bool | None = None
    string: bool | None = None
    uuid: bool | None = None
    json: bool | None = None
    is_blob: bool = False
    is_hidden: bool = False
    codec: Any = None
    store: str | None = None
    unsupported: bool = False
    attribute_expression: str | None = None
    dtype: Any = object
    lineage: str | None = None
    # Ours, beyond the interface: what the values are; decides conversion, comparison and order.
    value_type: ValueType = UNKNOWN

    def todict(self) -> dict[str, Any]:
        """Return the fields of the interface as a dict."""
        fields = self._asdict()
        del fields["value_type"]
        return fields

    @property
    def declared_type(self) -> str:
        """The type as a definition would say it."""
        return self.original_type or self.type


class Heading(Mapping[str, Attribute]):
    """An ordered set of attributes; hidden ones are kept aside.

    Parameters
    ----------
    attributes : iterable of Attribute
    table_comment : str
    lineage_available : bool
        Whether the schema records lineage; without it the semantic check is skipped.
    """

    def __init__(
        self, attributes: Iterable[Attribute] = (), *, table_comment: str = "", lineage_available: bool = True
    ) -> None:
        self._attributes = {a.name: a for a in attributes}
        self.table_comment = table_comment
        self.lineage_available = lineage_available
        self._derived: dict[Hashable, Any] = {}

    @cached_property
    def attributes(self) -> dict[str, Attribute]:
        """The visible attributes by name."""
        return {n: a for n, a in self._attributes.items() if not a.is_hidden}

    def __getitem__(self, name: str) -> Attribute:
        return self.attributes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.attributes)

    def __len__(self) -> int:
        return len(self.attributes)

    @cached_property
    def names(self) -> list[str]:
        """Names in order."""
        return list(self.attributes)

    @cached_property
    def primary_key(self) -> list[str]:
        """Names of the key attributes."""
        return [n for n, a in self.attributes.items() if a.in_key]

    @cached_property
    def secondary_attributes(self) -> list[str]:
        """Names of the other attributes."""
        return [n for n, a in self.attributes.items() if not a.in_key]

    @cached_property
    def blobs(self) -> list[str]:
        """Names of binary attributes."""
        return [n for n, a in self.attributes.items() if a.is_blob]

    @cached_property
    def non_blobs(self) -> list[str]:
        """Names of attributes that are neither binary nor JSON nor behind a codec."""
        return [n for n, a in self.attributes.items() if not (a.is_blob or a.json)]

    @cached_property
    def new_attributes(self) -> list[str]:
        """Names of computed or renamed attributes."""
        return [n for n, a in self.attributes.items() if a.attribute_expression is not None]

    @cached_property
    def has_codecs(self) -> bool:
        """Whether an attribute, hidden ones included, is behind a codec."""
        return any(a.codec is not None for a in self._attributes.values())

    @property
    def has_autoincrement(self) -> bool:
        """Whether an attribute is filled by the database."""
        return any(a.autoincrement for a in self.attributes.values())

    @property
    def as_dtype(self) -> Any:
        """The numpy dtype of one row of a structured array."""
        import numpy as np  # noqa: PLC0415 - loaded when arrays are asked for

        return np.dtype([(n, a.dtype) for n, a in self.attributes.items()])

    def determines(self, other: Heading) -> bool:
        """Tell whether every key attribute of `other` is an attribute of this heading."""
        return all(name in self.attributes for name in other.primary_key)

    def replaced(self, attributes: Iterable[Attribute]) -> Heading:
        """Return a heading with other attributes and the same availability of lineage."""
        return Heading(attributes, lineage_available=self.lineage_available)

    def derived(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what `make` makes of this heading, made once for each `key`.

        Programs build the same expressions over and over, on the same few headings: deriving the heading of a join
        and reading a text took half of the time of a query that fetches one row.
        """
        found: T | None = self._derived.get(key)
        if found is None:
            if len(self._derived) >= _DERIVED:
                self._derived.clear()
            found = self._derived[key] = make()
        return found

    def __repr__(self) -> str:
        lines = [f"# {self.table_comment}"] if self.table_comment else []
        in_key = True
        for a in self.attributes.values():
            if in_key and not a.in_key:
                lines.append("---")
                in_key = False
            name = f"{a.name}={a.default}" if a.default is not None else a.name
            comment = re.sub(r"\s+", " ", a.comment)
            lines.append(f"{name:<20} : {a.declared_type:<28} # {comment}")
        return "\n".join(lines) + "\n"
