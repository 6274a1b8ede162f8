"""From driver's values to the promised Python values, column by column: each column's converter is chosen once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from datajoint.backends.convert import Expected
from datajoint.codecs import CodecChain, CodecContext
from datajoint.codecs.legacy import look_at
from datajoint.errors import InvalidValueError
from datajoint.heading import Attribute, Heading

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.values.model import ValueType

Decoder = Callable[[Any], Any]


class ColumnReader:
    """Turns the driver's values of one attribute into the promised ones.

    Attributes
    ----------
    attribute : Attribute
    decode : callable or None
        Of one value that is not NULL; None if values need nothing.
    decode_all : callable or None
        Of all values of a column, NULL included, where they had better be decoded together.
    """

    __slots__ = ("attribute", "decode", "decode_all")

    def __init__(
        self, attribute: Attribute, decode: Decoder | None, decode_all: Callable[[list[Any]], list[Any]] | None = None
    ) -> None:
        self.attribute, self.decode, self.decode_all = attribute, decode, decode_all

    def column(self, values: list[Any]) -> list[Any]:
        """Return the values of a column.

        Raises
        ------
        InvalidValueError
            Naming the attribute and the row, if Python cannot hold a value.
        """
        decode = self.decode
        if self.decode_all is not None and len(values) > 1:
            return self.decode_all(values)
        if decode is None or (isinstance(decode, Expected) and decode.passes(values)):
            return values
        try:
            if self.attribute.nullable:
                return [None if value is None else decode(value) for value in values]
            return list(map(decode, values))  # twice as fast as a comprehension where the converter is C
        except (ValueError, TypeError) as error:
            if self.attribute.codec is not None:
                raise  # what a codec raises passes
            self._name_fault(values, error)

    def value(self, value: Any) -> Any:
        """Return one value; errors as `column`."""
        if value is None or self.decode is None:
            return value
        try:
            return self.decode(value)
        except (ValueError, TypeError):
            return self.column([value])[0]  # says where it stands

    def _name_fault(self, values: list[Any], error: Exception) -> NoReturn:
        """Find the value that cannot be read and say where it stands."""
        assert self.decode is not None
        for row, value in enumerate(values):
            try:
                self.decode(value)
            except (ValueError, TypeError) as found:
                reason = str(found) if isinstance(found, InvalidValueError) else f"{value!r} cannot be read: {found}."
                raise InvalidValueError(
                    f"{reason} (Attribute `{self.attribute.name}`, row {row} of the result.)",
                    attribute=self.attribute.name,
                    value=value,
                ) from found
        raise error


class RawReader(ColumnReader):
    """Of a native binary attribute: says so if values look as if `<blob>` was meant."""

    __slots__ = ("full_name",)

    def __init__(self, attribute: Attribute, decode: Decoder | None, full_name: str) -> None:
        super().__init__(attribute, decode)
        self.full_name = full_name

    def column(self, values: list[Any]) -> list[Any]:
        """Return the values of a column."""
        look_at(values, self.full_name)
        return super().column(values)

    def value(self, value: Any) -> Any:
        """Return one value."""
        look_at((value,), self.full_name)
        return super().value(value)


class Columns(NamedTuple):
    """The columns of a result: their types, their readers, and whether any value needs decoding."""

    types: tuple[ValueType, ...]
    readers: tuple[ColumnReader, ...]
    plain: bool


def columns_of(connection: Connection, heading: Heading, names: Sequence[str], *, squeeze: bool = False) -> Columns:
    """Return what is known of the attributes `names`, hidden ones included, as columns of a result."""

    def make() -> Columns:
        attributes = [heading._attributes[name] for name in names]
        chosen = tuple(_reader(connection, heading, a, squeeze=squeeze) for a in attributes)
        plain = all(type(r) is ColumnReader and r.decode is None for r in chosen)
        return Columns(tuple(a.value_type for a in attributes), chosen, plain)

    if heading.has_codecs:  # theirs depend on the settings and on `squeeze`
        return make()
    return heading.derived(("columns", connection.backend, tuple(names)), make)


def _reader(connection: Connection, heading: Heading, attribute: Attribute, *, squeeze: bool) -> ColumnReader:
    plain = connection.backend.decoder(attribute.value_type)
    if attribute.codec is None:
        if attribute.is_blob and not attribute.value_type.core:
            of = heading.table_info
            table = f"{of['database']}.{of['table_name']}." if of else ""
            return RawReader(attribute, plain, table + attribute.name)
        return ColumnReader(attribute, plain)
    context = CodecContext("", "", attribute.name, connection.settings)
    # Resolved at the first value: an unregistered codec is no fault of a result without one.
    chain = cache(lambda: CodecChain.resolve(attribute.type))

    def squeezed(value: Any) -> Any:
        return value.squeeze() if squeeze and type(value).__name__ == "ndarray" else value

    def decode(value: Any) -> Any:
        if value is None:
            return None
        return squeezed(chain().decode(plain(value) if plain else value, context))

    def decode_all(values: list[Any]) -> list[Any]:
        stored = (plain(value) if plain and value is not None else value for value in values)
        return [squeezed(value) for value in chain().decode_all(stored, context)]

    return ColumnReader(attribute, decode, decode_all if attribute.store is not None else None)
