"""`Job`: the queue of a table that populates itself, as a table one can ask and change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

from datajoint.code_version import code_version
from datajoint.declare.resolve import table_info
from datajoint.definition import AttributeDefinition, TableDefinition
from datajoint.errors import DataJointError, DuplicateError
from datajoint.jobs import layout, refreshing
from datajoint.jobs.explaining import explain
from datajoint.jobs.keys import Key
from datajoint.jobs.queue import Queue
from datajoint.jobs.registry import Registry
from datajoint.jobs.states import STATUSES
from datajoint.jobs.takeover import take_over
from datajoint.jobs.together import together
from datajoint.jobs.watching import QueueState, watch
from datajoint.sql.fragment import Parameter, Sql
from datajoint.table.table import Table

if TYPE_CHECKING:
    from datajoint.backends.catalog import SchemaCatalog, TableInfo


class Job(Table):
    """The queue of an imported or computed table.

    It is a table with one row for each job: fetch from it, restrict it, delete from it. What `populate` and the methods
    below do with it is safe for any number of workers, those of DataJoint 2.3 included.

    Parameters
    ----------
    target : Imported or Computed
        Whose keys are queued.
    """

    def __init__(self, target: Table) -> None:
        self.target = target
        self._connection = target.connection
        queue = layout.queue_name(target.name)
        self.database, self._table_name = queue.schema, queue.name

    # --- what it is
    @property
    def table_name(self) -> str:
        """Name of the table in its schema."""
        assert self._table_name is not None
        return self._table_name

    @property
    def class_name(self) -> str:
        """The target's class and what this is of it."""
        return f"{self.target.class_name}.jobs"

    def _node_holder(self) -> Any:
        return self

    def __repr__(self) -> str:
        return f"Jobs of {self.target.full_table_name}\n{super().__repr__()}"

    @property
    def definition(self) -> str:
        """The text that declares the table.

        Raises
        ------
        DataJointError
            If the target's key comes from no foreign key.
        """
        info, _ = self._target_info()
        key = layout.queue_key(info)
        return layout.definition_text(self.target.full_table_name, self.target.heading, key)

    def _target_info(self) -> tuple[TableInfo, SchemaCatalog]:
        return self.target._info()

    def _resolve_definition(self, context: Mapping[str, Any] | None) -> TableDefinition:
        info, _ = self._target_info()
        return layout.adapted(super()._resolve_definition(context), info, layout.queue_key(info))

    def _check_definition(self, definition: TableDefinition) -> None:
        layout.warn_of_own_key(self._target_info()[0], definition.primary_key)

    def _hidden_attributes(self) -> tuple[AttributeDefinition, ...]:
        return layout.hidden_attributes(layout.queue_key(self._target_info()[0]))

    @property
    def _queue(self) -> Queue:
        """The statements on the table, which is created if it does not exist."""
        if table_info(self.connection, self.name) is None:
            self.declare()
        heading = self._table_heading()

        def make() -> Queue:
            key = layout.queue_key(self._target_info()[0])
            if set(heading.primary_key) != set(key):
                raise DataJointError(
                    f"The jobs table {self.name} has the key {', '.join(heading.primary_key)}, but jobs of {self.target.name} are "
                    f"told apart by {', '.join(key)}: it belongs to a table that was called so before, or to another tier.",
                    table=str(self.name),
                    hint="Drop it with dj.FreeTable(connection, name).drop_quick(); the next jobs.refresh() makes it anew.",
                )
            return Queue(self.connection, self.name, self.target.name, heading)

        return heading.derived("queue", make)

    @property
    def _registry(self) -> Registry:
        return Registry(self.connection, self.name.schema, self.target.name.name)

    # --- rows by status
    def _with(self, status: str) -> Self:
        return self & f"{self._queue.columns['status']} = '{status}'"

    @property
    def pending(self) -> Self:
        """Jobs that wait, those included that are scheduled for later."""
        return self._with("pending")

    @property
    def reserved(self) -> Self:
        """Jobs that a worker has."""
        return self._with("reserved")

    @property
    def errors(self) -> Self:
        """Jobs that failed; delete one to have it tried again."""
        return self._with("error")

    @property
    def ignored(self) -> Self:
        """Jobs that are not to be done."""
        return self._with("ignore")

    @property
    def completed(self) -> Self:
        """Jobs that are done, where the setting ``jobs.keep_completed`` keeps them."""
        return self._with("success")

    def progress(self) -> dict[str, int]:
        """Return how many jobs have each status, and ``total``; zeros where there is no table."""
        counts: dict[str, int] = dict.fromkeys(STATUSES, 0)
        if self.is_declared:
            status = self._queue.column("status")
            for name, count in self.connection.execute(
                Sql("SELECT ", status, ", COUNT(*) FROM ", self.name.identifier, " GROUP BY ", status)
            ).rows:
                counts[str(name)] = int(count)
        return {**counts, "total": sum(counts.values())}

    # --- one job
    def reserve(self, key: Mapping[str, Any]) -> bool:
        """Take a job, if it is pending and due.

        Parameters
        ----------
        key : mapping
            May have more entries than the job's key.

        Returns
        -------
        bool
            Whether it is yours now.
        """
        version = code_version(self.connection.settings.jobs.version_method)
        return self._queue.reserve(self._queue.keys.canonical(key), version)

    def complete(self, key: Mapping[str, Any], duration: float | None = None) -> None:
        """Mark a job as done: its row is deleted, or kept as ``success`` with the setting ``jobs.keep_completed``.

        Parameters
        ----------
        key : mapping
        duration : float, optional
            Seconds that it took.

        Raises
        ------
        DataJointError
            If the row is to be kept, and there is none.
        """
        queue = self._queue
        found = queue.keys.canonical(key)
        if not self.connection.settings.jobs.keep_completed:
            self.connection.execute(Sql("DELETE FROM ", self.name.identifier, " WHERE ", queue.keys.equals(found)))
            return
        values: dict[str, Sql | str | Parameter] = {"status": "'success'", "completed_time": queue.now}
        if duration is not None:
            values["duration"] = Parameter(float(duration))
        self._change(found, queue.assigned(**values))

    def error(self, key: Mapping[str, Any], error_message: str, error_stack: str | None = None) -> None:
        """Mark a job as failed.

        Parameters
        ----------
        key : mapping
        error_message : str
            Cut to 2047 characters.
        error_stack : str, optional
            The traceback.

        Raises
        ------
        DataJointError
            If there is no such job.
        """
        queue = self._queue
        self._change(queue.keys.canonical(key), queue.failed(error_message, error_stack))

    def _change(self, key: Key, assignments: Sql) -> None:
        # A row that is as it should be already is not counted by every engine.
        if self._queue.update(assignments, self._queue.keys.equals(key)) == 0 and self._queue.look(key) is None:
            raise DataJointError(
                f"Update can only be applied to one existing entry. The queue of {self.target.name} has no job {key}.",
                table=str(self.name),
                hint="Add it with jobs.refresh().",
            )

    def ignore(self, key: Mapping[str, Any]) -> None:
        """Mark a job as not to be done; it is added if it is not there."""
        queue = self._queue
        found = queue.keys.canonical(key)
        where, ignored = queue.keys.equals(found), queue.assigned(status="'ignore'")
        if queue.update(ignored, where) or queue.look(found) is not None:
            return
        columns = Sql.join(", ", (*queue.keys.columns, queue.column("status"), queue.column("priority")))
        bound = (
            self.connection.backend.bind(t, found[n]) for n, t in zip(queue.keys.names, queue.keys.types, strict=True)
        )  # fmt: skip
        priority = Parameter(self.connection.settings.jobs.default_priority)
        values = Sql.join(", ", (*bound, Sql("'ignore'"), priority))
        try:
            self.connection.execute(Sql("INSERT INTO ", self.name.identifier, " (", columns, ") VALUES (", values, ")"))
        except DuplicateError:  # somebody added it meanwhile
            queue.update(ignored, where)

    def retry(self, key: Mapping[str, Any]) -> bool:
        """Put a job that failed back into the queue; what is remembered of its failures and deaths is forgotten.

        Returns
        -------
        bool
            Whether it had failed.
        """
        queue = self._queue
        found = queue.keys.canonical(key)
        if not queue.update(queue.retried(), Sql(queue.keys.equals(found), " AND ", queue.can("retry"))):
            return False
        self._registry.forget_history(queue.keys.detail(found))
        return True

    def revoke(self, key: Mapping[str, Any]) -> bool:
        """Take a job away from the worker that has it: what it computes is rolled back, and others may do it.

        Returns
        -------
        bool
            Whether anybody had it.
        """
        queue = self._queue
        found = queue.keys.canonical(key)
        registry = self._registry
        has_leases = registry.is_there

        def deed() -> bool:
            revoked = queue.update(queue.pending(), Sql(queue.keys.equals(found), " AND ", queue.can("revoke"))) == 1
            if has_leases:
                registry.forget(queue.keys.detail(found))
            return revoked

        return together(self.connection, deed, lost=0)

    def recover(self) -> int:
        """Give the jobs of workers that are dead back to the queue; return how many.

        `populate` does so by itself.
        """
        return take_over(self._queue, self._registry)

    def explain(self, key: Mapping[str, Any] | None = None) -> Any:
        """Say why a key is not computed: in one sentence, with the next command.

        Parameters
        ----------
        key : mapping, optional
            Without one, how the engine would fetch the jobs, as of any table.

        Returns
        -------
        Explanation or str
            Shows itself as text; `state`, `sentence` and `command` are its parts.
        """
        return super().explain() if key is None else explain(self, key)

    def watch(self, interval: float = 1.0, *, timeout: float | None = None) -> Iterator[QueueState]:
        """Yield the state of the queue now, and whenever it has changed, as the database tells it.

        Any process may watch, whoever works.

        Parameters
        ----------
        interval : float
            Seconds between two looks.
        timeout : float, optional
            Seconds after which it ends; never by default.
        """
        return watch(self, interval, timeout)

    # --- all jobs
    def refresh(
        self,
        *restrictions: Any,
        delay: float = 0,
        priority: int | None = None,
        stale_timeout: float | None = None,
        orphan_timeout: float | None = None,
    ) -> dict[str, int]:
        """Bring the queue up to date with the key source.

        Parameters
        ----------
        *restrictions : object
            Conditions on the keys to add; what is removed is judged by all keys.
        delay : float
            Seconds from now when the new jobs are due.
        priority : int, optional
            Of the new jobs, lower is more urgent; the setting ``jobs.default_priority`` by default.
        stale_timeout : float, optional
            Seconds after which a job is removed whose key is not in the key source any more; the setting
            ``jobs.stale_timeout`` by default, 0 for never.
        orphan_timeout : float, optional
            Seconds after which a reserved job is given back to the queue, unless its worker is known to live.

        Returns
        -------
        dict
            Numbers of jobs ``added``, ``removed``, ``orphaned`` and ``re_pended``.

        Raises
        ------
        DataJointError
            If the class of the table is not known, or for an unusable key source.
        """
        keys_of = getattr(self.target, "_keys_to_compute", None)
        if keys_of is None:
            raise DataJointError(
                f"The class of {self.target.name} is not known here, and so is its key source.",
                table=str(self.target.name),
                hint="Refresh through the class: Class.jobs.refresh().",
            )
        settings = self.connection.settings.jobs
        return refreshing.refresh(
            self._queue,
            self._registry,
            keys_of(restrictions),
            keys_of(()),
            refreshing.Wishes(
                delay=delay,
                priority=settings.default_priority if priority is None else priority,
                stale=settings.stale_timeout if stale_timeout is None else stale_timeout,
                orphaned=orphan_timeout or 0,
                repend=settings.keep_completed,
            ),
        )

    # --- rows and table out, without a question
    def delete(self, prompt: bool | None = None) -> None:  # type: ignore[override]  # noqa: ARG002 - a queue can be made anew
        """Delete the jobs at once; there is no question to answer, whatever `prompt` says."""
        self.delete_quick()

    def drop(self) -> None:  # type: ignore[override]
        """Drop the table at once."""
        self.drop_quick()


def free_jobs(table: Table) -> Job | None:
    """Return the queue of a table that has one already."""
    return Job(table) if table_info(table.connection, layout.queue_name(table.name)) is not None else None
