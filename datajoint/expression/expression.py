"""The algebra as users write it: operators and methods that build nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from datajoint.errors import DataJointError
from datajoint.expression import algebra, pages
from datajoint.expression.compile import compile_condition, compile_count, compile_exists, compile_select
from datajoint.expression.conditions import read_condition
from datajoint.expression.explain import explain, indented
from datajoint.expression.fetchable import Fetchable, looking_again
from datajoint.expression.near import Near
from datajoint.expression.nodes import Limit, Node, Project, Restrict, TableNode
from datajoint.expression.operand import as_operand, check_connection
from datajoint.expression.predicates import Constant, attribute_names, join_paths
from datajoint.expression.preview import preview_html, preview_text
from datajoint.expression.top import AndList, Not, Top
from datajoint.expression.universal import U
from datajoint.expression.why import Reason, why
from datajoint.heading import Heading
from datajoint.sql.fragment import Sql

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.graph.paths import JoinPath


class QueryExpression(Fetchable):
    """A set of rows described by the algebra; building one asks nothing of the database.

    Expressions are values: an operator returns a new one and leaves its operands alone. Rows come in the order of a
    `Top`, else in key order.
    """

    _connection: Connection | None = None
    _node_cache: Node | None = None
    _unmatched: tuple[str, ...] = ()  # names in mappings that restricted nothing, although they were meant to
    _restricted: tuple[Node, QueryExpression, Any] | None = None  # a node, and the operands of the `&` that made it

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
        restricted._restricted = (restricted._node, self, restriction)
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
    def restricted_from(self) -> tuple[QueryExpression, Any] | None:
        """The expression and the condition, as given, whose ``&`` made this one; None for what no condition made.

        A condition that can be changed, such as a list, may have been changed since.
        """
        # Objects derived from this one carry the record along; it is theirs only while the node is the same.
        made = self._restricted
        return made[1:] if made is not None and made[0] is self._node else None

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

    # --- as a collection
    @looking_again
    def cursor(self, as_dict: bool = False) -> Any:
        """Run the query and return a DB-API cursor on the driver's own values."""
        # The raw door reads %s and %% on every engine.
        text, values = self._sql().render(replace(self.connection.backend.dialect, placeholder="%s"))
        return self.connection.query(text if values else text.replace("%", "%%"), values, as_dict=as_dict)

    def _count(self, node: Node) -> int:
        return int(self.connection.execute(compile_count(node, self.connection.backend), (node, None)).rows[0][0])

    def __len__(self) -> int:
        return self._count(self._node)

    def __bool__(self) -> bool:
        node, connection = self._node, self.connection
        return bool(connection.execute(compile_exists(node, connection.backend), (node, None)).rows)

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

    def why(self) -> Reason:
        """Return why this expression has no rows: the operand or condition at which the last ones went.

        Returns
        -------
        Reason
            Prints as sentences: what there is, what removed it, and which values there are instead.

        Raises
        ------
        DataJointError
            If the database refuses one of the counts that are asked.
        """
        return why(self)

    @looking_again
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

    @looking_again
    def _repr_html_(self) -> str:
        return preview_html(self)


class Aggregation(QueryExpression):
    """The result of `QueryExpression.aggr` and `U.aggr`."""


class Union(QueryExpression):
    """The result of ``A + B``."""
