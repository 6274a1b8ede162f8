"""How the values of each attribute travel into the database: chosen once for a batch, not for each value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from datajoint.codecs import CodecChain, CodecContext
from datajoint.errors import DataJointError, InvalidValueError, MissingAttributeError
from datajoint.heading import Attribute
from datajoint.naming import shorten
from datajoint.sql.fragment import Parameter, Sql
from datajoint.table.base_table import BaseTable
from datajoint.values.accept import acceptor, is_missing
from datajoint.values.columns import ColumnAcceptor, column_acceptor


@dataclass(frozen=True, slots=True)
class ColumnWriter:
    """Converts the values of one attribute.

    A converted value is canonical for the attribute's type; None stands for a missing one, which the database
    replaces by the default.
    """

    table: BaseTable
    attribute: Attribute
    accept: Callable[[Any], Any]
    accept_column: ColumnAcceptor | None
    is_missing: Callable[[Any], bool]
    chain: CodecChain | None

    @classmethod
    def of(cls, table: BaseTable, name: str) -> ColumnWriter:
        """Return the writer for an attribute of `table`."""
        attribute = table.heading._attributes[name]
        # Kept with the heading, which lives as long as the structure that it describes.
        known: dict[str, Any] = table.heading.__dict__.setdefault("_acceptors", {})
        if name not in known:
            known[name] = acceptor(attribute.value_type), column_acceptor(attribute.value_type)
        accept, accept_column = known[name]
        if attribute.codec is None:
            return cls(table, attribute, accept, accept_column, partial(is_missing, attribute.value_type), None)
        # To a codec everything but None is a value: NaN may well be stored in a blob.
        return cls(table, attribute, accept, None, _is_none, CodecChain.resolve(attribute.type))

    @property
    def required(self) -> bool:
        """Whether there is nothing to put in place of a missing value."""
        a = self.attribute
        return not (a.nullable or a.autoincrement or a.default is not None)

    @property
    def writes_objects(self) -> bool:
        """Whether values are written to a store, before their row is to the database."""
        return self.chain is not None and self.chain.store is not None

    @property
    def null_if_missing(self) -> bool:
        """Whether a missing value is simply NULL, which can be sent like any other value."""
        default = self.attribute.default
        return self.attribute.nullable and (default is None or default.lower() == "null")

    def convert(self, value: Any, key: Mapping[str, Any]) -> Any:
        """Return the canonical form of `value`.

        Parameters
        ----------
        key : mapping
            The row's key, for codecs that name files after it.

        Raises
        ------
        InvalidValueError
            If the attribute cannot hold the value.
        MissingAttributeError
            If the value is missing and there is no default.
        Exception
            Whatever a codec raises.
        """
        if self.is_missing(value):
            if self.required:
                raise MissingAttributeError(
                    f"{self.table.name}.{self.attribute.name} was given no value ({shorten(value)}). "
                    "It has no default and cannot be NULL.",
                    table=str(self.table.name),
                    attribute=self.attribute.name,
                    hint="Give it a value.",
                )
            return None
        if self.chain is not None:
            value = self.chain.encode(value, self._context(key))
            if value is None:
                return None
        try:
            return self.accept(value)
        except InvalidValueError as error:
            raise self._located(error, value) from error

    def check(self, value: Any) -> None:
        """Refuse a value without converting it, as far as its codec can tell; errors as `convert`."""
        if not self.is_missing(value):
            if self.chain is not None:
                self.chain.validate(value)
        elif self.required:
            self.convert(value, {})

    def convert_column(self, values: Sequence[Any]) -> Sequence[Any] | None:
        """Return the canonical forms of a column, or None if its values must be converted one by one."""
        if self.accept_column is None or not values:
            return None if values else []
        column = self.accept_column(values)
        return None if column is None or (self.required and None in column) else column

    def _context(self, key: Mapping[str, Any]) -> CodecContext:
        name = self.table.name
        return CodecContext(
            schema=name.schema,
            table=name.name,
            field=self.attribute.name,
            config=self.table.connection.settings,
            key=key,
        )

    def _located(self, error: InvalidValueError, value: Any) -> InvalidValueError:
        """Return the error with the attribute's full name in front."""
        return type(error)(
            f"{self.table.name}.{self.attribute.name}: {error.args[0] if error.args else shorten(value)}",
            *error.args[1:],
            table=str(self.table.name),
            attribute=self.attribute.name,
            value=value,
            hint=error.hint,
        )

    @property
    def placeholder(self) -> Sql:
        """The place of a value in a statement."""
        before, after = self.table.connection.backend.placeholder(self.attribute.value_type)
        return Sql(before, Parameter(None), after)

    def encoded(self, values: Sequence[Any]) -> Sequence[Any]:
        """Turn converted values into the driver's."""
        encode = self.table.connection.backend.encoder(self.attribute.value_type)
        try:
            if encode is None:
                return values
            return [None if v is None else encode(v) for v in values] if None in values else list(map(encode, values))
        except InvalidValueError as error:  # what this engine in particular cannot hold
            raise self._located(error, error.value) from error

    def assignment(self, value: Any) -> Sql:
        """Return a converted value as the right side of an assignment."""
        backend, name = self.table.connection.backend, self.table.name
        if value is not None:
            try:
                return backend.bind(self.attribute.value_type, value)
            except InvalidValueError as error:  # as above
                raise self._located(error, error.value) from error
        catalog = self.table.connection.catalog(name.schema)
        assert catalog is not None  # the heading came from it
        return backend.default_value(name, self.attribute.name, catalog)


def _is_none(value: Any) -> bool:
    return value is None


def key_first(table: BaseTable, names: Sequence[str]) -> list[str]:
    """Return `names` with key attributes first: codecs of the others may need their values."""
    return sorted(names, key=lambda n: not table.heading[n].in_key)


def in_row(error: DataJointError, index: int, key: Mapping[str, Any]) -> DataJointError:
    """Return `error` with the row that it is about in front of its text."""
    place = f"Row {index}" + (f" {shorten(dict(key))}" if key else "")
    named = error.__class__(f"{place}: {error.args[0] if error.args else ''}", *error.args[1:])
    named.__dict__.update(error.__dict__)
    named.row = index
    return named
