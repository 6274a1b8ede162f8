"""The status of every row of an expression in every table that depends on it: two statements a table, however many rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from datajoint.diagram.class_names import find_class_names, full_name_of
from datajoint.diagram.scene import tier_of
from datajoint.errors import DataJointError
from datajoint.expression import QueryExpression, Top
from datajoint.expression.algebra import key_order
from datajoint.expression.compile import compile_raw
from datajoint.jobs.job import Job
from datajoint.jobs.keys import KeyForm, of
from datajoint.naming import did_you_mean
from datajoint.sql.fragment import Identifier, Sql
from datajoint.status.cells import Cell, Counts, judge
from datajoint.status.columns import Dependent, dependents
from datajoint.status.sources import has_queue, is_computed, keys_of

if TYPE_CHECKING:
    import pandas

    from datajoint.definition import TableName
    from datajoint.table import Table

Key = dict[str, Any]
_ROW, _CARRIER, _KEY, _TABLE, _JOB = "dj_p", "dj_c", "dj_k", "dj_t", "dj_j"


@dataclass(frozen=True)
class Column:
    """A table of the matrix.

    Attributes
    ----------
    title : str
        Its class's name, else ``schema.table``.
    tier : str
    table : Table
    computed : bool
        Whether `make` fills it.
    dependent : Dependent
        How its rows belong to those of the matrix.
    """

    title: str
    tier: str
    table: Table
    computed: bool
    dependent: Dependent

    @property
    def parents(self) -> tuple[int, ...]:
        """Places of the columns that it depends on."""
        return self.dependent.parents


@dataclass(frozen=True)
class Page:
    """Some rows of the matrix at one moment.

    Attributes
    ----------
    keys : list of dict
        Of the rows, as fetched.
    cells : list of list of Cell
        For each row, one for each column.
    """

    keys: list[Key]
    cells: list[list[Cell]]


class StatusMatrix:
    """Who is where: a row for each row of an expression, a column for each table below it.

    Parameters
    ----------
    rows : QueryExpression or table class
        Its primary key is what each row stands for.
    tables : collection of tables or names, optional
        Only these columns: table classes, instances, or titles. All that depend on the rows by default.
    context : mapping, optional
        Namespace in which the classes are looked for. Key sources are theirs; that of a table whose class is not known is
        taken to be its parents' keys.
    parts : bool
        Whether part tables have columns.

    Attributes
    ----------
    rows : QueryExpression
    columns : tuple of Column
        Parents before children.

    Raises
    ------
    DataJointError
        If the expression has no key, nothing depends on it, or a table of `tables` does not.
    """

    def __init__(
        self,
        rows: Any,
        tables: Collection[Any] | None = None,
        *,
        context: Mapping[str, Any] | None = None,
        parts: bool = False,
    ) -> None:
        found = rows() if isinstance(rows, type) else rows
        if not isinstance(found, QueryExpression):
            raise DataJointError(
                f"A status matrix has the rows of a table or an expression, not of a {type(found).__name__}.",
                hint="Give a table class, or an expression over tables.",
            )
        self.rows = found
        self.connection = found.connection
        columns = [
            self._column(dependent, title) for dependent, title in _titled(found, dict(context or {}), parts=parts)
        ]
        if not columns:
            raise DataJointError(
                f"No table depends on the key {', '.join(found.primary_key)}, so there is nothing to show.",
                hint="Choose a table further up, or declare one that refers to this.",
            )
        self.columns = tuple(columns if tables is None else _chosen(columns, tables))

    @staticmethod
    def _column(dependent: Dependent, title: str) -> Column:
        name = dependent.table.name
        return Column(title, tier_of(name.name), dependent.table, is_computed(name), dependent)

    def __len__(self) -> int:
        return len(self.rows)

    # --- reading
    def read(self, offset: int = 0, limit: int | None = 1000) -> Page:
        """Return the status of some rows, in the order of the key.

        One statement fetches the keys, and two at most count what each table has of them.

        Parameters
        ----------
        offset : int
        limit : int, optional
            At most so many rows; all with None.

        Raises
        ------
        DataJointError
            If the database refuses one of the statements.
        """
        page: QueryExpression = self.rows.proj()
        if limit is not None or offset:
            order = [item.name for item in key_order(page.heading)]
            page &= Top(limit, order, offset)
        keys = page.to_dicts()
        if not keys:
            return Page([], [])
        self.connection.look_again({column.table.name.schema for column in self.columns}, 1.0)
        form = KeyForm(self.rows.primary_key, page.heading, self.connection.backend)
        places = {form.hashable(key): place for place, key in enumerate(keys)}
        counts = [self._counts(column, page, form, places) for column in self.columns]
        return Page(keys, [self._judged(row) for row in zip(*counts, strict=True)])

    def to_pandas(self, offset: int = 0, limit: int | None = None) -> pandas.DataFrame:
        """Return the states as a data frame: the key as its index, a column of words for each table.

        Parameters
        ----------
        offset, limit
            As of `read`, but all rows by default.
        """
        return frame(self, self.read(offset, limit))

    def _judged(self, counts: Sequence[Counts]) -> list[Cell]:
        cells: list[Cell] = []
        for column, count in zip(self.columns, counts, strict=True):
            waiting = any(cells[parent].is_open for parent in column.parents)
            cells.append(judge(count, computed=column.computed, waiting=waiting))
        return cells

    def _counts(
        self, column: Column, page: QueryExpression, form: KeyForm, places: Mapping[tuple[Any, ...], int]
    ) -> list[Counts]:
        found = [Counts()] * len(places)
        width = len(form.names)
        for row in self.connection.execute(self._keys_statement(column, page, form)).rows:
            place = places.get(form.hashable(form.read(row)))
            if place is not None:  # the row came after the keys were read
                found[place] = Counts(total=int(row[width]), done=int(row[width + 1]))
        if column.computed and has_queue(column.table):
            for row in self.connection.execute(self._jobs_statement(column, page, form)).rows:
                place = places.get(form.hashable(form.read(row)))
                kind = {"reserved": "running", "error": "errors", "ignore": "ignored"}.get(str(row[width]))
                if place is not None and kind is not None:
                    found[place] = replace(found[place], **{kind: int(row[width + 1])})
        return found

    # --- statements
    def _keys_statement(self, column: Column, page: QueryExpression, form: KeyForm) -> Sql:
        """Count the keys of each row, and those of them that are computed; or the rows, of other tables."""
        keys = keys_of(column.table)
        attributes = column.dependent.link.attributes
        if keys is None or not set(attributes) <= set(keys.primary_key):
            source = Sql(column.table.name.identifier)
            return self._grouped(column, page, form, source, Sql("COUNT(*), COUNT(*)"))
        names = tuple(keys.primary_key)
        same = Sql.join(" AND ", (Sql(of(_TABLE, name), " = ", of(_KEY, name)) for name in names))
        present = Sql(
            "EXISTS (SELECT 1 FROM ", column.table.name.identifier, " AS ", Identifier((_TABLE,)), " WHERE ", same, ")"
        )
        source = Sql("(", compile_raw(keys._node, self.connection.backend, names), ")")
        return self._grouped(
            column, page, form, source, Sql("COUNT(*), SUM(CASE WHEN ", present, " THEN 1 ELSE 0 END)")
        )

    def _jobs_statement(self, column: Column, page: QueryExpression, form: KeyForm) -> Sql:
        """Count the jobs of each row by their status."""
        queue = Job(column.table)._queue
        status = Sql(Identifier((_KEY,)), ".", queue.column("status"))
        return self._grouped(column, page, form, Sql(queue.name.identifier), Sql(status, ", COUNT(*)"), status)

    def _grouped(
        self, column: Column, page: QueryExpression, form: KeyForm, source: Sql, counted: Sql, *by: Sql
    ) -> Sql:
        link = column.dependent.link
        rows = compile_raw(page._node, self.connection.backend, form.names)
        joined = Sql(" FROM (", rows, ") AS ", Identifier((_ROW,)))
        if link.carrier is None:
            joined = Sql(joined, _joined(source, _KEY, _ROW, link.pairs))
        else:
            carrier = Sql(link.carrier.name.identifier)
            joined = Sql(
                joined, _joined(carrier, _CARRIER, _ROW, link.pairs), _joined(source, _KEY, _CARRIER, link.onward)
            )
        backend = self.connection.backend
        own = [of(_ROW, name) for name in form.names]
        shown = (backend.selected(kind, name) for kind, name in zip(form.types, own, strict=True))
        return Sql(
            "SELECT ", Sql.join(", ", shown), ", ", counted, joined, " GROUP BY ", Sql.join(", ", (*own, *by))
        )  # fmt: skip


def frame(matrix: StatusMatrix, page: Page) -> pandas.DataFrame:
    """Return the states of some rows as a data frame."""
    import pandas as pd  # noqa: PLC0415 - heavy

    names = matrix.rows.primary_key
    values = [[key[name] for key in page.keys] for name in names]
    index = pd.MultiIndex.from_arrays(values, names=names) if len(names) > 1 else pd.Index(values[0], name=names[0])
    states = [[cell.state for cell in row] for row in page.cells]
    return pd.DataFrame(states, index=index, columns=[column.title for column in matrix.columns], dtype=object)


def _joined(source: Sql, alias: str, above: str, pairs: Sequence[tuple[str, str]]) -> Sql:
    same = (Sql(of(alias, theirs), " = ", of(above, name)) for name, theirs in pairs)
    return Sql(" JOIN ", source, " AS ", Identifier((alias,)), " ON ", Sql.join(" AND ", same))


def _titled(rows: QueryExpression, context: Mapping[str, Any], *, parts: bool) -> Iterator[tuple[Dependent, str]]:
    found = dependents(rows, context, parts=parts)
    names: list[TableName] = [dependent.table.name for dependent in found]
    known = find_class_names(context, rows.connection, names)
    for dependent in found:
        table = dependent.table
        path = known[table.name].path if table.name in known else None
        # A class that is bound, but under no name here, still has its own.
        own = table.class_name if type(table).__name__ != "FreeTable" else str(table.name)
        yield dependent, path or own


def _chosen(columns: Sequence[Column], tables: Collection[Any]) -> list[Column]:
    """Return the columns of some tables.

    Raises
    ------
    DataJointError
        If one has none.
    """
    by_name = {column.title: column.title for column in columns}
    by_name |= {full: column.title for column in columns if (full := full_name_of(column.table)) is not None}
    wanted = set()
    for table in tables:
        name = full_name_of(table) or str(table)
        if name not in by_name:
            raise DataJointError(
                f"{name} has no column in this matrix: it does not depend on the rows.",
                hint=did_you_mean(name, by_name) or f"Choose of {', '.join(column.title for column in columns)}.",
            )
        wanted.add(by_name[name])
    kept = [place for place, column in enumerate(columns) if column.title in wanted]
    moved = {place: new for new, place in enumerate(kept)}
    return [
        replace(
            columns[place],
            dependent=replace(
                columns[place].dependent,
                parents=tuple(moved[parent] for parent in columns[place].parents if parent in moved),
            ),
        )
        for place in kept
    ]
