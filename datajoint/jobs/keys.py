"""The key of a job on its way into statements and out of rows, and as text that says the same on every engine."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from datajoint.backends.base import Backend
from datajoint.errors import DataJointError
from datajoint.heading import Heading
from datajoint.sql.fragment import Identifier, Sql
from datajoint.values.accept import acceptor

Key = dict[str, Any]


class KeyForm:
    """How the keys of one queue are read and written.

    Parameters
    ----------
    names : sequence of str
        The key's attributes in order.
    heading : Heading
        Of the queue's table.
    """

    def __init__(self, names: Sequence[str], heading: Heading, backend: Backend) -> None:
        self.names = tuple(names)
        self._backend = backend
        self.types = tuple(heading._attributes[name].value_type for name in self.names)
        self._accept = [acceptor(t) for t in self.types]
        self._encode = [backend.encoder(t) for t in self.types]
        self._decode = [backend.decoder(t) for t in self.types]
        self.columns = tuple(Sql(Identifier((name,))) for name in self.names)
        self.selected = Sql.join(
            ", ", (backend.selected(t, c) for t, c in zip(self.types, self.columns, strict=True))
        )  # fmt: skip

    def canonical(self, key: Mapping[str, Any]) -> Key:
        """Return the job's part of a key, with values as they would be fetched.

        Raises
        ------
        DataJointError
            If an attribute is missing.
        InvalidValueError
            If one cannot have its value.
        """
        missing = [name for name in self.names if key.get(name) is None]
        if missing:
            raise DataJointError(
                f"The key {dict(key)!r} does not tell a job: it lacks {', '.join(missing)}.",
                hint=f"Give values of {', '.join(self.names)}.",
            )
        return {name: accept(key[name]) for name, accept in zip(self.names, self._accept, strict=True)}

    def read(self, row: Sequence[Any]) -> Key:
        """Return the key that the first columns of a driver's row hold."""
        return {
            name: decode(value) if decode else value
            for name, decode, value in zip(self.names, self._decode, row, strict=False)
        }

    def values(self, key: Key) -> list[Any]:
        """Return a canonical key's values for the driver."""
        return [encode(key[n]) if encode else key[n] for n, encode in zip(self.names, self._encode, strict=True)]

    def equals(self, key: Key) -> Sql:
        """Return the condition that a row has this key."""
        bound = (self._backend.bind(t, key[n]) for n, t in zip(self.names, self.types, strict=True))
        return Sql.join(" AND ", (Sql(c, " = ", value) for c, value in zip(self.columns, bound, strict=True)))

    def among(self, keys: Iterable[Key]) -> Sql:
        """Return the condition that a row has one of some keys, of which there is at least one."""
        if len(self.names) == 1:
            (name,), (kind,) = self.names, self.types
            bound = Sql.join(", ", (self._backend.bind(kind, key[name]) for key in keys))
            return Sql(self.columns[0], " IN (", bound, ")")
        return Sql("(", Sql.join(" OR ", (Sql("(", self.equals(key), ")") for key in keys)), ")")

    def same(self, left: str, right: str) -> Sql:
        """Return the condition that rows of two aliases have the same key."""
        pairs = (Sql(of(left, n), " = ", of(right, n)) for n in self.names)
        return Sql.join(" AND ", pairs)

    def hashable(self, key: Key) -> tuple[Any, ...]:
        """Return a key as one can look it up."""
        return tuple(key[name] for name in self.names)

    # --- as text
    def detail(self, key: Key) -> str:
        """Return the key as JSON: an object in the order of the key, all values as text."""
        return json.dumps({n: as_text(key[n]) for n in self.names}, ensure_ascii=False, separators=(",", ":"))

    def from_detail(self, detail: str) -> Key:
        """Read a key from its JSON."""
        texts = json.loads(detail)
        values = {
            n: bytes.fromhex(texts[n]) if t.kind == "bytes" else texts[n]
            for n, t in zip(self.names, self.types, strict=True)
        }
        return {n: accept(_number(t.kind, values[n])) for n, t, accept in zip(self.names, self.types, self._accept, strict=True)}  # fmt: skip


def _number(kind: str, text: Any) -> Any:
    if kind in {"int", "year", "bool"}:
        return int(text)
    return float(text) if kind in {"float32", "float64"} else text


def of(alias: str, name: str) -> Sql:
    """Return a column of what an alias stands for; in one identifier it would be a schema's table."""
    return Sql(Identifier((alias,)), ".", Identifier((name,)))


def item_of(detail: str) -> str:
    """Return the digest that stands for a key or an upload: 64 hexadecimal digits."""
    return hashlib.sha256(detail.encode()).hexdigest()


def as_text(value: Any) -> str:
    """Return a value of a key as text: integers decimal, dates in ISO form, uuid with dashes, bytes hexadecimal."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, UUID | Decimal | int | str):
        return str(value)
    return repr(value) if isinstance(value, float) else str(value)
