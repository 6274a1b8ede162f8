"""What an expression's rows look like: attributes in order, with types, key, and lineage."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from datajoint.values.model import UNKNOWN, ValueType
from datajoint.values.parse import parse_stored_type

_QUOTED_NAME = re.compile(r"""[`"](\w+)[`"]""")

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
    def sql_type(self) -> str:
        """The database's type, or the codec's spelling."""
        return self.type

    @property
    def sql_comment(self) -> str:
        """The comment, marked where the column holds a UUID."""
        return (":uuid:" if self.uuid else "") + self.comment

    @property
    def sql(self) -> str:
        """The attribute as a column clause of MySQL."""
        return f'`{self.name}` {self.sql_type} NOT NULL COMMENT "{self.sql_comment}"'

    @property
    def original_name(self) -> str:
        """Of a renamed attribute its old name, else its name."""
        renamed = _QUOTED_NAME.fullmatch(self.attribute_expression or "")
        return renamed[1] if renamed else self.name

    @property
    def is_hash_object(self) -> bool:
        """Whether values are in object storage, addressed by their content."""
        return self._codec_name == "hash" or (self._codec_name in {"blob", "attach"} and self.store is not None)

    @property
    def is_schema_object(self) -> bool:
        """Whether values are in object storage, addressed by schema, table and key."""
        # By name: the class is one of the codecs', which know headings' attributes no better than these know codecs.
        return any(base.__name__ == "SchemaCodec" for base in type(self.codec).__mro__)

    @property
    def _codec_name(self) -> str | None:
        return getattr(self.codec, "name", None)

    @property
    def declared_type(self) -> str:
        """The type as a definition would say it."""
        return self.original_type or self.type


default_attribute_properties: dict[str, Any] = {
    **Attribute("", comment="calculated attribute", uuid=False).todict(),
    "name": None,
}
"""The fields of an attribute that a computed one has but for its name."""

IndexProperties = dict[str, bool]


class Heading(Mapping[str, Attribute]):
    """An ordered set of attributes; hidden ones are kept aside.

    Parameters
    ----------
    attribute_specs : iterable of Attribute or of dict, optional
        Dicts have fields of `Attribute`; those left out are as of a computed attribute.
    table_info : dict, optional
        Where a table's heading comes from: ``conn``, ``database``, ``table_name``, ``context``.
    lineage_available : bool
        Whether the schema records lineage; without it the semantic check is skipped.
    table_comment : str
    indexes : mapping, optional
        Columns -> ``{"unique": …, "nullable": …}`` of a table's secondary indexes.
    """

    def __init__(
        self,
        attribute_specs: Iterable[Attribute | Mapping[str, Any]] | None = None,
        table_info: dict[str, Any] | None = None,
        lineage_available: bool = True,
        *,
        table_comment: str = "",
        indexes: Mapping[tuple[str, ...], IndexProperties] | None = None,
    ) -> None:
        self._attributes = {a.name: a for a in map(_as_attribute, attribute_specs or ())}
        self.table_info = table_info
        self.table_comment = table_comment
        self.lineage_available = lineage_available
        self.indexes: dict[tuple[str, ...], IndexProperties] = dict(indexes or {})
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
    def hash_objects(self) -> list[str]:
        """Names of attributes in object storage that are addressed by their content."""
        return [n for n, a in self.attributes.items() if a.is_hash_object]

    @cached_property
    def schema_objects(self) -> list[str]:
        """Names of attributes in object storage that are addressed by schema, table and key."""
        return [n for n, a in self.attributes.items() if a.is_schema_object]

    @property
    def table_status(self) -> dict[str, Any] | None:
        """What the database tells of the table, ``comment`` among it; None where the heading is of no table."""
        if self.table_info is None:
            return None
        return {"name": self.table_info["table_name"], "comment": self.table_comment}

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

    # --- derivation, as data; the algebra derives the headings of expressions itself
    def select(
        self,
        select_list: Iterable[str],
        rename_map: Mapping[str, str] | None = None,
        compute_map: Mapping[str, str] | None = None,
    ) -> Heading:
        """Return the heading of a projection.

        Parameters
        ----------
        select_list : iterable of str
            Names to keep.
        rename_map : mapping, optional
            New name -> old name.
        compute_map : mapping, optional
            Name -> SQL expression.

        Raises
        ------
        KeyError
            For an unknown name.
        """
        kept = set(select_list)
        origins: dict[str, list[str]] = {}
        for new, old in (rename_map or {}).items():
            origins.setdefault(old, []).append(new)
        if unknown := sorted((kept | origins.keys()) - self.attributes.keys()):
            raise KeyError(f"The heading has no attribute {', '.join(unknown)}.")
        chosen: list[Attribute] = []
        for name, attribute in self.attributes.items():
            chosen += [attribute] if name in kept else []
            chosen += [attribute._replace(name=n, attribute_expression=f"`{name}`") for n in origins.get(name, ())]
        computed = [
            Attribute(name, comment="calculated attribute", attribute_expression=text)
            for name, text in (compute_map or {}).items()
        ]
        return self.replaced([*chosen, *computed])

    def join(self, other: Heading, nullable_pk: bool = False) -> Heading:
        """Return the heading of the pairs of rows of two expressions.

        The key is that of the operand that determines the other one, else both. With `nullable_pk` it is always both.
        """
        swapped = other.determines(self) and not self.determines(other) and not nullable_pk
        first, second = (other, self) if swapped else (self, other)
        key = list(first.primary_key)
        if nullable_pk or not first.determines(second):
            key += [n for n in second.primary_key if n not in key]
        names = [*key, *(n for n in (*first.names, *second.names) if n not in key)]
        picked = (first[n] if n in first else second[n] for n in dict.fromkeys(names))
        return Heading(
            (a._replace(in_key=a.name in key) for a in picked),
            lineage_available=self.lineage_available and other.lineage_available,
        )

    def set_primary_key(self, primary_key: Iterable[str]) -> Heading:
        """Return the heading with another key, which comes first."""
        key = list(primary_key)
        others = (n for n in self.names if n not in key)
        return self.replaced(self[n]._replace(in_key=n in key) for n in (*key, *others))

    def make_subquery_heading(self) -> Heading:
        """Return the heading as an outer query sees it: nothing is renamed or computed any more."""
        return self.replaced(a._replace(attribute_expression=None) for a in self.attributes.values())

    def as_sql(self, fields: Iterable[str], include_aliases: bool = True, adapter: Any = None) -> str:
        """Return a select list.

        Parameters
        ----------
        fields : iterable of str
        include_aliases : bool
            Whether to name renamed and computed attributes.
        adapter : object, optional
            Quotes names by its ``quote_identifier``; double quotes without one.
        """
        quote = adapter.quote_identifier if adapter is not None else '"{}"'.format

        def item(name: str) -> str:
            expression = self[name].attribute_expression
            if expression is None:
                return str(quote(name))
            return f"{expression} as {quote(name)}" if include_aliases else expression

        return ",".join(map(item, fields))

    def _ipython_key_completions_(self) -> list[str]:
        return self.names

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


def _as_attribute(spec: Attribute | Mapping[str, Any]) -> Attribute:
    if isinstance(spec, Attribute):
        return spec
    fields = {**default_attribute_properties, **spec}
    known = fields["type"] != "expression" and not str(fields["type"]).startswith("<")
    value_type = parse_stored_type(fields["original_type"] or fields["type"]) if known else UNKNOWN
    return Attribute(**{"value_type": value_type, **fields})
