"""From a type such as ``<graph@cold>`` to the codecs that carry out its conversions, one after the other."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from datajoint.codecs.base import Codec
from datajoint.codecs.places import store_name_of
from datajoint.codecs.registry import lookup_codec
from datajoint.codecs.uploads import current_uploads, uploads_aside
from datajoint.errors import DataJointError
from datajoint.storage.transfer import in_order

Decode = TypeVar("Decode", bound=Callable[..., Any])


class ResolvedType(NamedTuple):
    """The type at the end of a chain, the codecs from outermost to innermost, and the store."""

    dtype: str
    codecs: list[Codec]
    store: str | None


def resolve_dtype(dtype: str, seen: AbstractSet[str] | None = None, store_name: str | None = None) -> ResolvedType:
    """Follow codecs until a type is reached that a database knows.

    Parameters
    ----------
    dtype : str
        ``<name>``, ``<name@store>``, or a plain type, which ends the chain.
    seen : set of str, optional
        Names met so far, for the detection of circles.
    store_name : str, optional
        Inherited store; one in `dtype` itself overrides it.

    Raises
    ------
    DataJointError
        If a codec is unknown, has no form for this use of stores, or is met twice.

    Examples
    --------
    >>> resolve_dtype("<blob>")
    ResolvedType(dtype='bytes', codecs=[<BlobCodec(name='blob')>], store=None)
    """
    dtype = dtype.strip()
    if not (dtype.startswith("<") and dtype.endswith(">")):
        plain, at, legacy_store = dtype.partition("@")
        return ResolvedType(plain, [], legacy_store if at else store_name)
    codec, own_store = lookup_codec(dtype)
    name = codec.name or dtype
    if seen and name in seen:
        raise DataJointError(
            f"Circular codec reference detected: <{name}>.", hint="A codec's get_dtype must lead to a plain type."
        )
    store = store_name if own_store is None else own_store
    inner = resolve_dtype(codec.get_dtype(store is not None), {*(seen or ()), name}, store)
    return ResolvedType(inner.dtype, [codec, *inner.codecs], inner.store)


@dataclasses.dataclass(frozen=True, slots=True)
class CodecContext:
    """Where a value belongs.

    Attributes
    ----------
    schema, table, field : str
        The table by its name in the database, such as ``__analysis``.
    config : object
        The settings of the connection at work; None outside of one.
    key : Mapping
        Values of the row's primary key, as far as they are known.
    """

    schema: str
    table: str
    field: str
    config: Any = None
    key: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class CodecChain:
    """The codecs of one attribute, ready for use. Make it once for a column, not for each value.

    Attributes
    ----------
    spec : str
        As declared, such as ``<blob>``.
    dtype : str
        The plain type that stored values have, such as ``bytes`` or ``json``.
    codecs : tuple of Codec
        Outermost first.
    store : str or None
        As in `ResolvedType`.
    """

    spec: str
    dtype: str
    codecs: tuple[Codec, ...]
    store: str | None = None

    @classmethod
    def resolve(cls, spec: str) -> CodecChain:
        """Return the chain of a codec type.

        Raises
        ------
        DataJointError
            As `resolve_dtype`.
        """
        resolved = resolve_dtype(spec)
        return cls(spec, resolved.dtype, tuple(resolved.codecs), resolved.store)

    def validate(self, value: Any) -> None:
        """Let the outermost codec refuse `value`; whatever it raises passes. None is always welcome."""
        if value is not None and self.codecs:
            self.codecs[0].validate(value)

    def encode(self, value: Any, context: CodecContext) -> Any:
        """Return the Python value of type `dtype` that stands for `value`; None for None.

        Raises
        ------
        Exception
            Whatever a codec raises, of its `validate` too.
        """
        if value is None:
            return None
        self.validate(value)
        key = {
            **context.key,
            "_schema": context.schema,
            "_table": context.table,
            "_field": context.field,
            "_config": context.config,
        }
        place = {"schema": context.schema, "table": context.table, "field": context.field, "config": context.config}
        for codec in self.codecs:
            offered: dict[str, Any] = {"context": place, "store_name": self._store_for(codec, context.config)}
            names = _parameters(type(codec).encode)
            value = codec.encode(value, key=key, **{n: v for n, v in offered.items() if n in names})
        return value

    def _store_for(self, codec: Codec, config: Any) -> str | None:
        """Return the name that a codec is told: of the default store its own, so that rows name it."""
        if self.store != "":
            return self.store
        return store_name_of("", config, of_filepaths=codec._of_filepaths) or ""

    def decode(self, stored: Any, context: CodecContext) -> Any:
        """Return the value that `stored`, a Python value of type `dtype`, stands for; None for None.

        Raises
        ------
        Exception
            Whatever a codec raises.
        """
        if stored is None:
            return None
        if current_uploads() is not None:
            # A codec or a comparison reads in the middle of an insert; what it gets must outlive that.
            with uploads_aside():
                return self.decode(stored, context)
        for codec in reversed(self.codecs):
            stored = _decode(codec, stored, context.config)
        return stored

    def decode_all(self, stored: Iterable[Any], context: CodecContext) -> Iterator[Any]:
        """Yield the values of a column, in its order; as `decode`.

        Where values wait for a store, several wait at the same time, and further ones while the first are decoded.
        """
        codecs = self.codecs[::-1]
        if not codecs or current_uploads() is not None or not getattr(type(codecs[0]).decode, "waits_for_store", False):
            yield from (self.decode(value, context) for value in stored)
            return
        first, *others = codecs
        fetched = in_order(lambda value: None if value is None else _decode(first, value, context.config), stored)
        for value in fetched:
            for codec in others if value is not None else ():
                value = _decode(codec, value, context.config)  # noqa: PLW2901 - one conversion after the other
            yield value


def _decode(codec: Codec, stored: Any, config: Any) -> Any:
    """Let one codec decode. Where the value belongs is not told: it must be the same through every projection."""
    key = {"_config": config} if config is not None else None
    if "context" in _parameters(type(codec).decode):
        return codec.decode(stored, key=key, context={"config": config} if config is not None else None)  # type: ignore[call-arg]  # as its signature says
    return codec.decode(stored, key=key)


def waits_for_store(decode: Decode) -> Decode:
    """Mark a codec's `decode` as one that mostly waits for a store, and that several threads may run at once.

    A column's values are then fetched in parallel.
    """
    decode.waits_for_store = True  # type: ignore[attr-defined]  # functions take attributes
    return decode


@lru_cache(maxsize=256)
def _parameters(method: Callable[..., Any]) -> frozenset[str]:
    """Return the names in a method's signature; ``**kwargs`` names nothing."""
    parameters = inspect.signature(method).parameters.values()
    return frozenset(p.name for p in parameters if p.kind not in {p.VAR_KEYWORD, p.VAR_POSITIONAL})


class MissingCodec(Codec, register=False):
    """Stands in a heading for a codec that this process does not have, so that the other attributes can be used."""

    def __init__(self, spec: str) -> None:
        self.name = spec

    def _refuse(self) -> DataJointError:
        try:
            lookup_codec(str(self.name))
        except DataJointError as error:
            return error
        return DataJointError(
            f"Codec {self.name} was not registered when the table was opened.", hint="Open the table again."
        )

    def get_dtype(self, is_store: bool) -> str:  # noqa: ARG002
        """Raise DataJointError: the codec is not registered."""
        raise self._refuse()

    def encode(self, value: Any, *, key: dict[str, Any] | None = None, store_name: str | None = None) -> Any:  # noqa: ARG002
        """Raise DataJointError: the codec is not registered."""
        raise self._refuse()

    def decode(self, stored: Any, *, key: dict[str, Any] | None = None) -> Any:  # noqa: ARG002
        """Raise DataJointError: the codec is not registered."""
        raise self._refuse()


def codec_of(spec: str) -> Codec:
    """Return the codec of an existing column, or a `MissingCodec` if it is not registered. Never raises."""
    try:
        return lookup_codec(spec).codec
    except DataJointError:
        return MissingCodec(spec)
