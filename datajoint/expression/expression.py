"""The algebra as users write it: operators and methods that build nodes, and methods that fetch rows."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from datajoint.errors import DataJointError
from datajoint.expression import accelerated, algebra, arrow, columns, fetch, pages
from datajoint.expression.compile import compile_condition, compile_count, compile_exists, compile_select
from datajoint.expression.conditions import read_condition
from datajoint.expression.explain import explain, indented
from datajoint.expression.near import Near
from datajoint.expression.nodes import Limit, Node, Project, Restrict, TableNode
from datajoint.expression.operand import Operand, as_operand, check_connection
from datajoint.expression.predicates import Constant, attribute_names, join_paths
from datajoint.expression.preview import preview_html, preview_text
from datajoint.expression.top import AndList, Not, Top
from datajoint.expression.universal import U
from datajoint.heading import Heading
from datajoint.sql.fragment import Sql

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.graph.paths import JoinPath

Order = str | Sequence[str] | None


class QueryExpression(Operand):
    """A set of rows described by the algebra; building one asks nothing of the database.

    Expressions are values: an operator returns a new one and leaves its operands alone. Rows come in the order of a
    `Top`, else in key order.
    """

    _connection: Connection | None = None
    _node_cache: Node | None = None
    _unmatched: tuple[str, ...] = ()  # names in mappings that restricted nothing, although they were meant to

    @classmethod
    def _of(cls, node: Node, connection: Connection) -> Self:
        expression = cls.__new__(cls)
        expression._node_cache, expression._connection = node, connection
        return expression

    # --- what it is
    @property
    def connection(self) -> Connection:
        """The connection on which the rows live."""
        if self._connection is None:
            raise DataJointError(
                f"{type(self).__name__} is not connected.", hint="Decorate the class with a schema first."
            )
        return self._connection

    @property
    def _node(self) -> Node:
        if self._node_cache is None:
            self._node_cache = self._make_node()
        return self._node_cache

    def _make_node(self) -> Node:
        raise DataJointError(f"{type(self).__name__} is not an expression over a table.")

    @property
    def heading(self) -> Heading:
        """The attributes of the rows."""
        return self._node.heading

    @property
    def primary_key(self) -> list[str]:
        """Names of the key attributes in heading order."""
        return self.heading.primary_key

    def _derive(self, node: Node) -> Self:
        """Return this expression with another node; a table stays an object of its class."""
        # What copy.copy does, in a quarter of the time.
        derived = object.__new__(type(self))
        derived.__dict__.update(self.__dict__)
        derived._node_cache = node
        return derived

    def _derive_plain(self, node: Node) -> QueryExpression:
        """Return a table's object for what still stands for its rows, else a plain expression."""
        source = node
        while isinstance(source, (Restrict, Project, Limit)):
            source = source.source
        if isinstance(source, TableNode):
            return self._derive(node)
        return QueryExpression._of(node, self.connection)

    # --- restriction
    def restrict(self, restriction: Any, semantic_check: bool = True) -> Self:
        """Keep the rows that satisfy a condition; ``A & c`` is ``A.restrict(c)``.

        Parameters
        ----------
        restriction : object
            A dict (all its known attributes are equal; None is NULL; a list means any of its values), an SQL
            condition as text, another expression (rows with a match in it), a list (any of its members), an `AndList`
            (all of them), a `Top`, a `Not`, a data frame or record array (any row), a bool, or `dj.Sql`.
        semantic_check : bool
            Whether attributes matched with another expression must share their origin.

        Returns
        -------
        QueryExpression
            Of the same class; the same object if the condition has no effect.

        Raises
        ------
        DataJointError
            For an object that is no condition, an unknown attribute in a text, or a value that its attribute
            cannot be compared with.
        """
        if isinstance(restriction, Top):
            return self._derive(algebra.limit(self._node, restriction, self.connection.backend))
        predicate, unmatched = read_condition(restriction, self, semantic_check=semantic_check)
        if isinstance(predicate, Constant) and predicate.value and not unmatched:
            return self
        restricted = self._derive(algebra.restrict(self._node, predicate))
        if unmatched:
            restricted._unmatched = (*self._unmatched, *unmatched)
        return restricted

    def restrict_in_place(self, condition: Any) -> None:
        """Replace this object by its restriction; kept for older programs."""
        self._node_cache = self.restrict(condition)._node

    def __and__(self, restriction: Any) -> Self:
        return self.restrict(restriction)

    def __sub__(self, restriction: Any) -> Self:
        if isinstance(restriction, Top):
            raise DataJointError(f"Invalid restriction type {restriction!r}")
        return self.restrict(Not(restriction))

    def __neg__(self) -> Not:
        return Not(self)

    def __xor__(self, other: Any) -> Any:
        raise DataJointError(
            "The ^ operator has been removed in DataJoint 2.0. Use .restrict(other, semantic_check=False) instead."
        )

    def __matmul__(self, other: Any) -> Any:
        raise DataJointError(
            "The @ operator has been removed in DataJoint 2.0. Use .join(other, semantic_check=False) instead."
        )

    @property
    def restriction(self) -> AndList:
        """The conditions of this expression as SQL text, in the order applied; False stands for no rows.

        For information; restricted tables are told by its truth.
        """
        backend = self.connection.backend
        return AndList(
            False
            if node.condition == Constant(value=False)
            else compile_condition(node.condition, node.source.heading, backend).inlined(backend.dialect)
            for node in self._restrictions()
        )

    @property
    def restriction_attributes(self) -> set[str]:
        """Names of the attributes that the conditions use."""
        return {name for node in self._restrictions() for name in attribute_names(node.condition)}

    def _restrictions(self) -> list[Restrict]:
        """Return the restrictions of this expression, not those of its operands, in the order applied."""
        found: list[Restrict] = []
        node = self._node
        while isinstance(node, (Restrict, Limit, Project)):
            if isinstance(node, Restrict):
                found.insert(0, node)
            node = node.source
        return found

    def near(self, other: Any, *, via: Any = None) -> Self:
        """Keep the rows that belong to rows of `other`, any number of foreign keys away.

        The two tables are related if one depends on the other, or both on a common ancestor; the nearest counts. The
        tables between need no classes. ``A - dj.Near(B)`` are the other rows.

        Parameters
        ----------
        other : QueryExpression or table class
            ``Trial.near(Subject & "species = 'rat'")``.
        via : table, str or list of these, optional
            What the way must pass, where there are several: tables (a class, an expression, a name) or attributes of
            a foreign key. A table that depends on both sides is a way only if it is named here.

        Returns
        -------
        QueryExpression
            Of the same class; its `path` tells the way.

        Raises
        ------
        DataJointError
            If there is no way, or several, which are then listed.
        """
        return self.restrict(Near(other, via=via))

    @property
    def path(self) -> JoinPath | None:
        """The foreign keys along which the latest `near` went; None without one. Prints as ``a → b ← c``."""
        paths = [path for node in self._restrictions() for path in join_paths(node.condition)]
        return paths[-1] if paths else None

    # --- projection, join, aggregation, union
    def proj(self, *attributes: Any, **named_attributes: Any) -> QueryExpression:
        """Choose, rename and compute attributes; the key always stays.

        Parameters
        ----------
        *attributes : str or Ellipsis
            Names to keep; ``...`` for all secondary attributes; ``"-name"`` to leave one out.
        **named_attributes : str
            ``new="old"`` renames, ``new="(old)"`` copies, anything else is an SQL expression.

        Raises
        ------
        DataJointError
            For an unknown attribute, a name used twice, or an excluded key attribute.
        TypeError
            For a named attribute that is not text.
        """
        node = algebra.project(self._node, attributes, named_attributes, self.connection.backend)
        return self._derive_plain(node)

    def join(
        self,
        other: Any,
        semantic_check: bool = True,
        left: bool = False,
        allow_nullable_pk: bool = False,
    ) -> QueryExpression:
        """Pair the rows that agree on all attributes of the same name; ``A * B`` is ``A.join(B)``.

        Parameters
        ----------
        other : QueryExpression or table class
        semantic_check : bool
            Whether the matched attributes must share their origin.
        left : bool
            Whether to keep rows of this expression that match nothing, with NULL for the attributes of `other`.
        allow_nullable_pk : bool
            Whether such a join may have a key of both, parts of which are then NULL.

        Raises
        ------
        DataJointError
            If `other` is no expression, lives on another connection, shares names without sharing their origin, or
            is not determined by this expression in a left join.
        """
        if isinstance(other, U):
            raise DataJointError(
                "table * dj.U(...) is no longer supported in DataJoint 2.0.", hint="Use dj.U(...) & table."
            )
        operand = as_operand(other)
        if operand is None:
            raise DataJointError("The argument of join must be a QueryExpression")
        check_connection(self, operand)
        node = algebra.join(
            self._node, operand._node, semantic_check=semantic_check, outer=left, allow_nullable_pk=allow_nullable_pk
        )
        return QueryExpression._of(node, self.connection)

    def __mul__(self, other: Any) -> QueryExpression:
        return self.join(other)

    def extend(self, other: Any, semantic_check: bool = True) -> QueryExpression:
        """Add the attributes of `other` to every row; NULL where it has no match. Same as a left join."""
        return self.join(other, semantic_check=semantic_check, left=True)

    def aggr(
        self,
        group: Any,
        *attributes: Any,
        exclude_nonmatching: bool = False,
        **named_attributes: Any,
    ) -> Aggregation:
        """Summarise the matching rows of `group` for each row of this expression.

        Parameters
        ----------
        group : QueryExpression or table class
            Must have all key attributes of this expression.
        *attributes : str or Ellipsis
            Attributes of this expression to keep.
        exclude_nonmatching : bool
            Whether to leave out rows without a match; else they see one row of NULLs.
        **named_attributes : str
            SQL expressions over attributes of `group` and of this expression, usually with aggregate functions.

        Raises
        ------
        DataJointError
            If `group` is no expression or lacks key attributes, or an attribute is unknown.
        """
        operand = as_operand(group)
        if operand is None:
            raise DataJointError("The group argument of aggr must be a QueryExpression.")
        check_connection(self, operand)
        node = algebra.aggregate(
            self._node,
            operand._node,
            attributes,
            named_attributes,
            inner=exclude_nonmatching,
            backend=self.connection.backend,
        )
        return Aggregation._of(node, self.connection)

    aggregate = aggr

    def __add__(self, other: Any) -> Union:
        """Return the keys of both operands, with the secondary attributes of each.

        Raises
        ------
        DataJointError
            If `other` is no expression, the keys differ, or a secondary attribute is in both.
        """
        operand = as_operand(other)
        if operand is None:
            raise DataJointError("A QueryExpression can only be unioned with another QueryExpression")
        check_connection(self, operand)
        return Union._of(algebra.union(self._node, operand._node), self.connection)

    # --- fetching
    def _ordered(self, order_by: Order, limit: int | None, offset: int | None) -> Node:
        if order_by is None and limit is None and offset is None:
            return self._node
        return algebra.limit(self._node, Top(limit, order_by, offset or 0), self.connection.backend)

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

    def keys(self, order_by: Order = None, limit: int | None = None, offset: int | None = None) -> list[dict[str, Any]]:
        """Fetch the primary keys as dicts, usable as a restriction; parameters as in `to_dicts`."""
        node = self._ordered(order_by, limit, offset)
        return fetch.fetch_dicts(self.connection, node, node.heading.primary_key)

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
            names = [n for a in attrs for n in (self.primary_key if a == "KEY" else [a])]
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

    def cursor(self, as_dict: bool = False) -> Any:
        """Run the query and return a DB-API cursor on the driver's own values."""
        # The raw door reads %s and %% on every engine.
        text, values = self._sql().render(replace(self.connection.backend.dialect, placeholder="%s"))
        return self.connection.query(text if values else text.replace("%", "%%"), values, as_dict=as_dict)

    # --- as a collection
    def _count(self, node: Node) -> int:
        return int(self.connection.execute(compile_count(node, self.connection.backend)).rows[0][0])

    def __len__(self) -> int:
        return self._count(self._node)

    def __bool__(self) -> bool:
        return bool(self.connection.execute(compile_exists(self._node, self.connection.backend)).rows)

    def __contains__(self, item: Any) -> bool:
        return bool(self & item)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return pages.iterate(self.connection, self._node)

    # --- as text
    def _sql(self, fields: Sequence[str] | None = None) -> Sql:
        for name in fields or ():
            if name not in self.heading:
                raise algebra.unknown_attribute(name, self.heading)
        return compile_select(self._node, self.connection.backend, list(fields) if fields else None)

    def make_sql(self, fields: Sequence[str] | None = None) -> str:
        """Return the SELECT as text that runs as it stands; `fields` limits its columns."""
        return self._sql(fields).inlined(self.connection.backend.dialect)

    def sql(self, *, indent: bool = False) -> str:
        """Return the SELECT as text that runs as it stands; with `indent` over several lines, for people."""
        text = self.make_sql()
        return indented(text) if indent else text

    def explain(self) -> str:
        """Return the engine's plan for this expression as text, one step a line.

        Raises
        ------
        DataJointError
            If the engine refuses.
        """
        return explain(self.connection, self._sql())

    def preview(self, limit: int | None = None, width: int | None = None) -> str:
        """Return the first rows as text.

        Parameters
        ----------
        limit : int, optional
            Rows to show; the setting ``display.limit`` if not given.
        width : int, optional
            Largest width of a column in characters; the setting ``display.width`` if not given.
        """
        return preview_text(self, limit, width)

    def __repr__(self) -> str:
        # While debugging, showing an object must not run a query.
        if self.connection.settings.loglevel == "DEBUG":
            return object.__repr__(self)
        return self.preview()

    def _repr_html_(self) -> str:
        return preview_html(self)


class Aggregation(QueryExpression):
    """The result of `QueryExpression.aggr` and `U.aggr`."""


class Union(QueryExpression):
    """The result of ``A + B``."""
