"""A table of the database as an expression that can also be written to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace as replaced
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from datajoint.declare import AlterPlan, create_table, describe, parse_definition, read_heading, resolve
from datajoint.declare.hidden import extended
from datajoint.declare.rename import RenamePlan
from datajoint.declare.resolve import table_info
from datajoint.definition import AttributeDefinition, TableDefinition, TableName
from datajoint.errors import (
    DataJointError,
    DefinitionError,
    MissingTableError,
    UnknownAttributeError,
    UnknownFieldError,
)
from datajoint.expression.expression import QueryExpression
from datajoint.expression.fetchable import looking_again
from datajoint.expression.nodes import Limit, Node, Restrict, TableNode
from datajoint.graph.propagate import PartIntegrity
from datajoint.heading import Heading
from datajoint.logging import logger
from datajoint.naming import from_camel_case
from datajoint.table import alter as altering
from datajoint.table import buffer as buffering
from datajoint.table import delete as deletion
from datajoint.table import delete_plan as planning
from datajoint.table import drop as dropping
from datajoint.table import insert as insertion
from datajoint.table import relatives
from datajoint.table import staged as staging
from datajoint.table import update as updating
from datajoint.table import upsert as upserting
from datajoint.table import validate as validation
from datajoint.table.context import calling_frame, find_referent_in, spell_in, visible_names
from datajoint.table.meta import TableMeta
from datajoint.table.rename import renaming_hint

if TYPE_CHECKING:
    from datajoint.backends.catalog import SchemaCatalog, TableInfo

F = TypeVar("F", bound=Callable[..., Any])


def _documented_by(function: Callable[..., Any]) -> Callable[[F], F]:
    """Take a method's docstring from the function that does its work on the table given first."""

    def document(method: F) -> F:
        method.__doc__ = function.__doc__
        return method

    return document


NAME = r"[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*"
"""Pattern of a table's name without the prefix of its tier."""


class Table(QueryExpression, metaclass=TableMeta):
    """Base of all tables.

    A class becomes a table of the database when a `Schema` decorates it. Whatever an instance answers, its class
    answers too: ``Session.fetch1()`` is ``Session().fetch1()``.

    Attributes
    ----------
    database : str or None
        Name of the schema; None while the class is not decorated.
    declaration_context : mapping or None
        Names that the definition's foreign keys may use.
    definition : str
        Set by the user's class.
    renamed_from : str or None
        The class's former name, set by a user's class whose table has that one still; see `alter`.
    """

    database: str | None = None
    declaration_context: Mapping[str, Any] | None = None
    renamed_from: ClassVar[str | None] = None
    tier_regexp: ClassVar[str | None] = None
    _prefix: ClassVar[str] = ""
    _table_name: str | None = None
    _support: ClassVar[list[str] | None] = None
    _known_node: tuple[SchemaCatalog, TableNode] | None = None
    _allow_insert: bool = True
    """Whether rows may be inserted at this moment without saying that one means it."""

    @property
    def _insert_hint(self) -> str:
        """What to do where they may not."""
        return "To insert from outside, pass allow_direct_insert=True."

    # --- what it is
    @property
    def definition(self) -> str:
        """The text that declares the table.

        Raises
        ------
        NotImplementedError
            If the class has none.
        """
        raise NotImplementedError(
            f"The class {type(self).__name__} has no `definition`, so its table cannot be declared."
        )

    @property
    def class_name(self) -> str:
        """Name of the class."""
        return type(self).__name__

    @property
    def table_name(self) -> str:
        """Name of the table in its schema, such as ``#params``."""
        cls = type(self)
        if "_table_name" not in cls.__dict__:
            cls._table_name = self._derive_table_name()
        assert cls._table_name is not None
        return cls._table_name

    def _derive_table_name(self) -> str:
        return self._prefix + from_camel_case(self.class_name)

    @property
    def name(self) -> TableName:
        """Schema and name, unquoted.

        Raises
        ------
        DataJointError
            If the class is not decorated.
        """
        if self.database is None:
            raise DataJointError(
                f"Class {self.class_name} is not associated with a schema.",
                hint="Decorate it with a dj.Schema, or activate the schema.",
            )
        return TableName(self.database, self.table_name)

    @property
    def full_table_name(self) -> str:
        """Schema and name as the engine quotes them.

        Raises
        ------
        DataJointError
            If the class is not decorated.
        """
        name = self.name
        return str(self.connection.dialect.quote(name.identifier))

    @property
    def heading(self) -> Heading:
        """The attributes of the rows.

        Raises
        ------
        MissingTableError
            If the table is not declared.
        DataJointError
            If the class is not decorated.
        """
        if self.database is None and self._node_cache is None:
            raise DataJointError(
                f"Class {self.class_name} is not properly configured: it belongs to no schema.",
                hint="Decorate it with a dj.Schema, or activate the schema.",
            )
        return super().heading

    def _table_heading(self) -> Heading:
        return self._make_node().heading

    def _make_node(self) -> TableNode:
        """Return the table with its own heading, read anew only when the schema's structure was."""
        catalog = self.connection.catalog(self.database) if self.database is not None else None
        holder = self._node_holder()
        # In the holder itself: a class must not take its superclass's for its own.
        known: tuple[SchemaCatalog, TableNode] | None = vars(holder).get("_known_node")
        if known is None or known[0] is not catalog:
            info, catalog = self._info()
            known = catalog, TableNode(self.name, read_heading(info, catalog, self.connection.catalog))
            holder._known_node = known
        return known[1]

    def _node_holder(self) -> Any:
        """Return what remembers the table's node, which is a value: the class, so that its instances share it."""
        return type(self)

    def _info(self) -> tuple[TableInfo, SchemaCatalog]:
        found = table_info(self.connection, self.name)
        if found is None:
            raise MissingTableError(
                f"The table {self.full_table_name} is not defined.",
                table=str(self.name),
                hint=renaming_hint(self) or "Its schema was activated with create_tables=False, or it was dropped.",
            )
        return found

    # --- attributes that another program added or dropped a moment ago
    @looking_again
    def restrict(self, restriction: Any, semantic_check: bool = True) -> Self:
        """Keep the rows that satisfy a condition; see `QueryExpression.restrict`."""
        return super().restrict(restriction, semantic_check)

    @looking_again
    def proj(self, *attributes: Any, **named_attributes: Any) -> QueryExpression:
        """Choose, rename and compute attributes; see `QueryExpression.proj`."""
        return super().proj(*attributes, **named_attributes)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        begun = False
        try:
            for row in super().__iter__():
                begun = True
                yield row
        except UnknownAttributeError:
            if begun or not self._changed_meanwhile():
                raise
        else:
            return
        yield from super().__iter__()

    def _changed_meanwhile(self) -> bool:
        """Follow the table's structure, unless its attributes were chosen or this is inside a transaction."""
        outer: list[Restrict | Limit] = []
        node = self._node
        while isinstance(node, Restrict | Limit):
            outer.append(node)
            node = node.source
        if not isinstance(node, TableNode) or self.connection.in_transaction:
            return False
        self.connection.look_again([node.name.schema])
        fresh: Node = self._make_node()
        changed = fresh.heading.names != node.heading.names
        for one in reversed(outer):
            fresh = replaced(one, source=fresh, heading=fresh.heading)
        self._node_cache = fresh
        return changed

    def _forget(self) -> None:
        """Forget the structure of the table's schema after it changed."""
        self.connection.forget_catalog(self.name.schema)
        self._node_holder()._known_node = None
        self._node_cache = None

    @property
    def is_declared(self) -> bool:
        """Whether the table exists in the database."""
        return table_info(self.connection, self.name) is not None

    # --- declaration
    def declare(self, context: Mapping[str, Any] | None = None) -> None:
        """Create the table from its definition; nothing happens if it exists.

        Parameters
        ----------
        context : mapping, optional
            Names that foreign keys may use; those of the class's decoration by default.

        Raises
        ------
        DefinitionError
            If the definition cannot be read, or refers to what does not exist.
        DataJointError
            Inside a transaction, or for a class name that is not in CamelCase.
        AccessError
            If the user may not create tables.
        """
        connection, name = self.connection, self.name
        definition = self._resolve_definition(self.declaration_context if context is None else context)
        self._check_definition(definition)
        create_table(connection, name, extended(definition, self._hidden_attributes()))
        self._forget()

    def _resolve_definition(self, context: Mapping[str, Any] | None) -> TableDefinition:
        find = find_referent_in(self.connection)
        try:
            return resolve(parse_definition(self.definition), self.name, self.connection, context or {}, find)
        except DefinitionError as error:
            error.table = str(self.name)
            raise

    def _check_definition(self, definition: TableDefinition) -> None:
        """Refuse, or warn of, what a tier does not want in a new table."""

    def _hidden_attributes(self) -> tuple[AttributeDefinition, ...]:
        """Return the framework's columns that the settings give a new table of this tier."""
        return ()

    def describe(self, context: Mapping[str, Any] | None = None, printout: bool = False) -> str:
        """Return a definition that declares the same table again.

        Parameters
        ----------
        context : mapping, optional
            Where to look for the classes of the tables that foreign keys refer to; the caller's names by default.
        printout : bool
            Whether to log the definition too.

        Raises
        ------
        MissingTableError
            If the table is not declared.
        """
        context = visible_names(calling_frame()) if context is None else context
        info, _ = self._info()
        text = describe(info, self._table_heading(), spell_in(context, self.connection))
        if printout:
            logger.info("%s", "\n" + text)
        return text

    @_documented_by(altering.alter)
    def alter(self, prompt: bool = True, context: Mapping[str, Any] | None = None) -> None:
        altering.alter(self, prompt, context)

    @_documented_by(altering.plan_table_alter)
    def alter_plan(self, context: Mapping[str, Any] | None = None) -> AlterPlan | RenamePlan:
        return altering.plan_table_alter(self, context)

    # --- rows in
    @_documented_by(insertion.insert)
    def insert(
        self,
        rows: Any,
        replace: bool = False,
        skip_duplicates: insertion.Skip = False,
        ignore_extra_fields: bool = False,
        allow_direct_insert: bool | None = None,
        chunk_size: int | None = None,
    ) -> None:
        options: dict[str, Any] = {
            "replace": replace,
            "skip_duplicates": skip_duplicates,
            "ignore_extra_fields": ignore_extra_fields,
            "allow_direct_insert": allow_direct_insert,
            "chunk_size": chunk_size,
        }
        try:
            return insertion.insert(self, rows, **options)
        except (UnknownAttributeError, UnknownFieldError):
            # Nothing is kept of a call that is one lot, so that it may be repeated; an iterator is used up.
            if chunk_size is not None or isinstance(rows, Iterator) or not self._changed_meanwhile():
                raise
        return insertion.insert(self, rows, **options)

    @looking_again
    @_documented_by(insertion.insert1)
    def insert1(self, row: Any, **options: Any) -> None:
        insertion.insert1(self, row, **options)

    @_documented_by(buffering.batch)
    def batch(self, *, chunk_size: int | None = None, **options: Any) -> AbstractContextManager[buffering.RowBuffer]:
        return buffering.batch(self, insertion.insert, chunk_size=chunk_size, **options)

    @property
    @_documented_by(staging.staged_insert1)
    def staged_insert1(self) -> staging.StagedInsertBlock:
        return staging.staged_insert1(self)

    @_documented_by(insertion.insert_dataframe)
    def insert_dataframe(self, df: Any, index_as_pk: bool | None = None, **insert_kwargs: Any) -> None:
        insertion.insert_dataframe(self, df, index_as_pk, **insert_kwargs)

    @_documented_by(upserting.upsert)
    def upsert(
        self,
        rows: Any,
        *,
        ignore_extra_fields: bool = False,
        allow_direct_insert: bool | None = None,
        chunk_size: int | None = None,
    ) -> None:
        upserting.upsert(
            self,
            rows,
            ignore_extra_fields=ignore_extra_fields,
            allow_direct_insert=allow_direct_insert,
            chunk_size=chunk_size,
        )

    @_documented_by(validation.validate)
    def validate(
        self,
        rows: Any,
        *,
        ignore_extra_fields: bool = False,
        stored: bool = False,
        together_with: Collection[str] = (),
    ) -> validation.ValidationResult:
        return validation.validate(
            self, rows, ignore_extra_fields=ignore_extra_fields, stored=stored, together_with=together_with
        )

    @looking_again
    @_documented_by(updating.update1)
    def update1(self, row: Mapping[str, Any]) -> None:
        updating.update1(self, row)

    # --- rows and tables out
    @_documented_by(deletion.delete)
    def delete(
        self,
        transaction: bool = True,
        prompt: bool | None = None,
        part_integrity: Any = "enforce",
        dry_run: bool = False,
        confirm: deletion.Confirm | None = None,
    ) -> Any:
        return deletion.delete(
            self,
            transaction=transaction,
            prompt=prompt,
            part_integrity=part_integrity,
            dry_run=dry_run,
            confirm=confirm,
        )

    @_documented_by(planning.plan_delete)
    def delete_plan(self, part_integrity: PartIntegrity = "enforce") -> planning.DeletePlan:
        return planning.plan_delete(self, part_integrity)

    @_documented_by(deletion.delete_quick)
    def delete_quick(self, get_count: bool = False) -> int | None:
        return deletion.delete_quick(self, get_count)

    @_documented_by(dropping.drop)
    def drop(self, prompt: bool | None = None, part_integrity: Any = "enforce") -> None:
        dropping.drop(self, prompt, part_integrity)

    @_documented_by(dropping.drop_quick)
    def drop_quick(self) -> None:
        dropping.drop_quick(self)

    # --- relatives
    def parents(
        self, primary: bool | None = None, as_objects: bool = False, foreign_key_info: bool = False
    ) -> list[Any]:
        """Return the tables that this one refers to, one entry for each foreign key.

        Parameters
        ----------
        primary : bool, optional
            True for foreign keys within the primary key only, False for the others only.
        as_objects : bool
            Whether to return `FreeTable` objects rather than full names.
        foreign_key_info : bool
            Whether to return pairs of the table and the properties of the foreign key.
        """
        return relatives.parents(self, primary, as_objects=as_objects, foreign_key_info=foreign_key_info)

    def children(
        self, primary: bool | None = None, as_objects: bool = False, foreign_key_info: bool = False
    ) -> list[Any]:
        """Return the tables that refer to this one; parameters as of `parents`."""
        return relatives.children(self, primary, as_objects=as_objects, foreign_key_info=foreign_key_info)

    def ancestors(self, as_objects: bool = False) -> list[Any]:
        """Return this table and all that it depends on, nearest first."""
        return relatives.ancestors(self, as_objects=as_objects)

    def descendants(self, as_objects: bool = False) -> list[Any]:
        """Return this table and all that depend on it, in topological order."""
        return relatives.descendants(self, as_objects=as_objects)

    def parts(self, as_objects: bool = False) -> list[Any]:
        """Return the part tables of this table."""
        return relatives.parts(self, as_objects=as_objects)
