"""What an expression answers when asked for its rows: dicts, arrays, frames, one row."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from datajoint.errors import DataJointError, UnknownAttributeError, UnknownFieldError
from datajoint.expression import accelerated, algebra, arrow, columns, fetch
from datajoint.expression.nodes import Node
from datajoint.expression.operand import Operand
from datajoint.expression.top import Top

Order = str | Sequence[str] | None


F = TypeVar("F", bound=Callable[..., Any])


def looking_again(method: F) -> F:
    """Let a method run once more if an attribute is unknown because another program has changed the structure.

    For methods of one statement: one that the database refuses for a name has done nothing.
    """

    @wraps(method)
    def run(self: Fetchable, *arguments: Any, **options: Any) -> Any:
        try:
            return method(self, *arguments, **options)
        except (UnknownAttributeError, UnknownFieldError):
            if not self._changed_meanwhile():
                raise
        return method(self, *arguments, **options)

    return cast("F", run)


class Fetchable(Operand):
    """The methods that fetch; base of `QueryExpression`."""

    if TYPE_CHECKING:

        def proj(self, *attributes: Any, **named_attributes: Any) -> Any: ...

    def _changed_meanwhile(self) -> bool:
        """Look at the structure again; tell whether the expression has other attributes now, which it then follows."""
        return False

    def _ordered(self, order_by: Order, limit: int | None, offset: int | None) -> Node:
        if order_by is None and limit is None and offset is None:
            return self._node
        return algebra.limit(self._node, Top(limit, order_by, offset or 0), self.connection.backend)

    @looking_again
    def to_dicts(
        self, order_by: Order = None, limit: int | None = None, offset: int | None = None, squeeze: bool = False
    ) -> list[dict[str, Any]]:
        """Fetch the rows as dicts.

        Parameters
        ----------
        order_by : str or sequence of str, optional
            As in `Top`; by key if not given.
        limit, offset : int, optional
            At most so many rows, after skipping so many.
        squeeze : bool
            Whether to remove dimensions of length one from decoded arrays.
        """
        node = self._ordered(order_by, limit, offset)
        return fetch.fetch_dicts(self.connection, node, node.heading.names, squeeze=squeeze)

    @looking_again
    def keys(self, order_by: Order = None, limit: int | None = None, offset: int | None = None) -> list[dict[str, Any]]:
        """Fetch the primary keys as dicts, usable as a restriction; parameters as in `to_dicts`."""
        node = self._ordered(order_by, limit, offset)
        return fetch.fetch_dicts(self.connection, node, node.heading.primary_key)

    @looking_again
    def to_arrays(
        self,
        *attrs: str,
        include_key: bool = False,
        order_by: Order = None,
        limit: int | None = None,
        offset: int | None = None,
        squeeze: bool = False,
    ) -> Any:
        """Fetch columns as numpy arrays.

        Parameters
        ----------
        *attrs : str
            Attributes; none for all of them in one structured array.
        include_key : bool
            Whether to put a list of key dicts before the arrays.
        order_by, limit, offset, squeeze
            As in `to_dicts`.

        Returns
        -------
        numpy.ndarray or tuple
            A structured array without `attrs`; one array for one attribute; a tuple for several or with keys. All of
            shape (rows,), but decoded arrays of one shape are stacked: (rows, …).

        Raises
        ------
        DataJointError
            For an unknown attribute.
        """
        node = self._ordered(order_by, limit, offset)
        if not attrs:
            return columns.structured_array(self.connection, node, squeeze=squeeze)
        for name in attrs:
            if name not in node.heading:
                raise algebra.unknown_attribute(name, node.heading)
        key = node.heading.primary_key if include_key else []
        names = list(dict.fromkeys([*key, *attrs]))
        values = dict(zip(names, fetch.fetch_columns(self.connection, node, names, squeeze=squeeze), strict=True))
        arrays = [columns.column_array(node.heading[name], values[name]) for name in attrs]
        if include_key:
            return (fetch.dicts_of([values[n] for n in key], key, len(arrays[0])), *arrays)
        return arrays[0] if len(arrays) == 1 else tuple(arrays)

    @looking_again
    def to_pandas(
        self,
        order_by: Order = None,
        limit: int | None = None,
        offset: int | None = None,
        squeeze: bool = False,
        *,
        nullable: bool = False,
    ) -> Any:
        """Fetch the rows as a pandas data frame with the primary key as its index.

        Types follow the heading, also where there are no rows. Integers are ``int64``, but ``float64`` in a column
        with NULLs; floats are ``float64``; bools ``bool``, but objects with NULLs; moments ``datetime64[us]``; text is
        pandas' ``str``; everything else is objects.

        Parameters
        ----------
        order_by, limit, offset, squeeze
            As in `to_dicts`.
        nullable : bool
            Whether numbers, bools and text have pandas' types with a missing value (``Int64``, ``UInt64``,
            ``Float64``, ``boolean``, ``string``), which do not depend on whether there are NULLs.

        Returns
        -------
        pandas.DataFrame
        """
        node = self._ordered(order_by, limit, offset)
        return columns.data_frame(self.connection, node, squeeze=squeeze, nullable=nullable)

    @looking_again
    def to_polars(
        self, order_by: Order = None, limit: int | None = None, offset: int | None = None, squeeze: bool = False
    ) -> Any:
        """Fetch the rows as a polars data frame; parameters as in `to_dicts`.

        Types follow the heading: ``Int64``, ``Float64``, ``Boolean``, ``String``, ``Date``, ``Datetime("us")``,
        ``Duration("us")`` or ``Time``, ``Decimal``, ``Binary``. UUIDs are text, JSON is text with sorted keys, and what
        a codec decodes is in ``Object`` columns.

        Returns
        -------
        polars.DataFrame

        Raises
        ------
        ImportError
            If polars is not installed.
        """
        node = self._ordered(order_by, limit, offset)
        return arrow.polars_frame(self.connection, node, squeeze=squeeze)

    @looking_again
    def to_arrow(
        self,
        order_by: Order = None,
        limit: int | None = None,
        offset: int | None = None,
        squeeze: bool = False,
        *,
        engine: str | None = None,
    ) -> Any:
        """Fetch the rows as an Arrow table.

        Types follow the heading: ``int64``, ``double``, ``bool``, ``string``, ``date32``, ``timestamp[us]``,
        ``duration[us]`` or ``time64[us]``, ``decimal128``, ``binary``. UUIDs are text, JSON is text with sorted keys.

        Parameters
        ----------
        order_by, limit, offset, squeeze
            As in `to_dicts`.
        engine : str, optional
            ``"connectorx"`` reads through that package, which makes a connection of its own with the same user and
            password: several times as fast on MySQL and MariaDB, but outside of any transaction, and only for integers,
            float64, bools, varchar, dates and moments.

        Returns
        -------
        pyarrow.Table

        Raises
        ------
        ImportError
            If pyarrow, or the package of `engine`, is not installed.
        DataJointError
            For an attribute behind a codec; with an `engine`, inside a transaction, or for an attribute or a database
            that it cannot read.
        """
        node = self._ordered(order_by, limit, offset)
        if engine is not None:
            return accelerated.arrow_table(self.connection, node, engine)
        return arrow.arrow_table(self.connection, node, squeeze=squeeze)

    @looking_again
    def fetch1(self, *attrs: str, squeeze: bool = False) -> Any:
        """Fetch the only row.

        Parameters
        ----------
        *attrs : str
            Attributes; ``"KEY"`` for the key as a dict; none for all.

        Returns
        -------
        dict, object or tuple
            A dict of all attributes; the bare value of one; a tuple of several.

        Raises
        ------
        DataJointError
            Unless there is exactly one row, or for an unknown attribute.
        """
        node = self._node
        for name in attrs:
            if name != "KEY" and name not in node.heading:
                raise algebra.unknown_attribute(name, node.heading)
        key = node.heading.primary_key
        names = (
            list(dict.fromkeys(n for a in attrs for n in (key if a == "KEY" else [a]))) if attrs else node.heading.names
        )
        message = (
            "fetch1 should only return one tuple. {n} tuples found"
            if attrs
            else "fetch1 requires exactly one tuple in the input set. {n} found."
        )
        row = fetch.single_row(self.connection, node, names, squeeze=squeeze, message=message)
        values = dict(zip(names, row, strict=False))
        if not attrs:
            return values
        picked = tuple({n: values[n] for n in key} if a == "KEY" else values[a] for a in attrs)
        return picked[0] if len(attrs) == 1 else picked

    def head(self, limit: int = 25) -> list[dict[str, Any]]:
        """Fetch the first rows by key."""
        return self.to_dicts(order_by="KEY", limit=limit)

    def tail(self, limit: int = 25) -> list[dict[str, Any]]:
        """Fetch the last rows by key, ascending."""
        return self.to_dicts(order_by="KEY DESC", limit=limit)[::-1]

    def fetch(
        self,
        *attrs: str,
        offset: int | None = None,
        limit: int | None = None,
        order_by: Order = None,
        format: str | None = None,  # noqa: A002 - public signature
        as_dict: bool | None = None,
        squeeze: bool = False,
    ) -> Any:
        """Fetch rows the way older programs do; use `to_dicts`, `to_pandas`, `to_arrays` or `keys` instead."""
        warnings.warn(
            "fetch() is deprecated in DataJoint 2.0. Use to_dicts(), to_pandas(), to_arrays(), or keys() instead.",
            DeprecationWarning,
            stacklevel=2,
        )
        if format not in {None, "array", "frame"}:
            raise DataJointError(f"Unknown fetch format {format!r}.", hint="Use 'array' or 'frame'.")
        options: dict[str, Any] = {"order_by": order_by, "limit": limit, "offset": offset}
        if format == "frame":
            if attrs or as_dict is not None:
                raise DataJointError("format='frame' cannot be combined with attrs or as_dict")
            return self.to_pandas(**options, squeeze=squeeze)
        if as_dict:
            names = [n for a in attrs for n in (self._node.heading.primary_key if a == "KEY" else [a])]
            return (self.proj(*names) if attrs else self).to_dicts(**options, squeeze=squeeze)
        if "KEY" not in attrs:
            return self.to_arrays(*attrs, **options, squeeze=squeeze)
        if attrs == ("KEY",):
            return list(self.keys(**options))
        others = [a for a in attrs if a != "KEY"]
        if not others:
            return tuple(self.keys(**options) for _ in attrs)
        keys, *arrays = self.to_arrays(*others, include_key=True, **options, squeeze=squeeze)
        remaining: Iterator[Any] = iter(arrays)
        return tuple(keys if a == "KEY" else next(remaining) for a in attrs)
