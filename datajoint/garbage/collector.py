"""`GarbageCollector`: what no row refers to, and its deletion when that is certain."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from datajoint.backends.catalog import SchemaCatalog
from datajoint.connection import Connection
from datajoint.errors import DataJointError, DeadlockError
from datajoint.garbage.marks import LEASES, Marks
from datajoint.garbage.plan import CollectionPlan, Kind, Orphan
from datajoint.garbage.references import References, Scope, StoreMap, covered, read_references
from datajoint.garbage.sections import Listing, Sections
from datajoint.garbage.structure import Structure, refuse_unseen
from datajoint.logging import logger
from datajoint.storage import transfer
from datajoint.storage.stores import resolve_store

if TYPE_CHECKING:
    from datajoint.schemas import Schema

BATCH = 500
"""Files deleted between two looks at references and marks. Writers of new objects wait for so long."""

ABANDONED_SECONDS = 86400.0
"""After this long a file that was being written is taken for given up."""

# On a server where others make and drop tables all the time, a look at them seldom succeeds at once.
_ATTEMPTS = 20
_PAUSE = 0.01  # seconds, times the number of attempts before


class GarbageCollector:
    """Finds the objects of schemas in one store that no row refers to, and deletes them.

    It cannot delete what is in use: references are read from all schemas of the database, whatever their codecs are
    called and whichever name they have for the store; what cannot be read forbids every deletion; what a writer has
    marked as in flight stays; and references and marks are read again right before each batch is deleted, while
    writers that want to mark further objects wait.

    Parameters
    ----------
    *schemas : Schema
        Whose objects are collected.
    store : str, optional
        The store's name; the default one if not given.
    config : Config, optional
        Settings with the stores; those of the first schema's connection if not given.
    unrelated : iterable of str
        Other schemas of the database that are known not to refer to these objects and are not read: those to which
        one has no access.

    Attributes
    ----------
    schemas, store, config, backend
        As given, and the store's `StorageBackend`.

    Raises
    ------
    DataJointError
        If no schema is given, or the store is not configured.

    Examples
    --------
    >>> collector = GarbageCollector(schema, store="main")  # doctest: +SKIP
    >>> print(collector.plan())  # doctest: +SKIP
    >>> collector.collect(dry_run=False)  # doctest: +SKIP
    """

    def __init__(
        self,
        *schemas: Schema,
        store: str | None = None,
        config: Any = None,
        unrelated: Iterable[str] = (),
    ) -> None:
        if not schemas:
            raise DataJointError("At least one schema must be provided", hint="GarbageCollector(schema, store=…)")
        self.schemas, self.store = schemas, store
        links = [_link(schema) for schema in schemas]
        self.config = config if config is not None else links[0].settings
        resolved = resolve_store(store, self.config)
        self.backend = resolved.backend
        self._store_name = resolved.name
        self._sections = Sections.of(self.backend, resolved.spec)
        self._names = tuple(dict.fromkeys(str(schema.database) for schema in schemas))
        self._connections = [c for n, c in enumerate(links) if all(c is not before for before in links[:n])]
        self._structures = [
            Structure(c, [str(s.database) for s, link in zip(schemas, links, strict=True) if link is c], unrelated)
            for c in self._connections
        ]
        self._marks = [Marks(c) for c in self._connections]

    # --- what there is
    def hash_references(self, verbose: bool = False) -> set[str]:
        """Return the paths that rows hold in columns whose codecs address by content.

        Raises
        ------
        DataJointError
            If a table could not be read.
        """
        return self._checked_references(verbose).hash

    def schema_references(self, verbose: bool = False) -> set[str]:
        """Return the paths that rows hold in columns whose codecs address by schema, table and key; as above."""
        return self._checked_references(verbose).schema

    def _checked_references(self, verbose: bool) -> References:
        found, _ = self._look()
        if found.problems:
            raise DataJointError(
                f"Not all references could be read: {'; '.join(found.problems)}", hint="Mend this first."
            )
        if verbose:
            logger.info("%d hash and %d schema references", len(found.hash), len(found.schema))
        return found

    def _look(self) -> tuple[References, set[str]]:
        """Return what rows refer to and what writers have marked, as of one moment."""
        for attempt in range(_ATTEMPTS):
            is_last = attempt == _ATTEMPTS - 1
            time.sleep(_PAUSE * attempt)
            # What is known before the transaction need not be read in it, where newer tables cannot be read.
            self._refresh()
            with self._one_state():
                try:
                    self._refresh()
                except DataJointError:
                    if is_last:
                        raise
                    continue
                # Marks first: how long their writers have been silent must not include the reading of the rows.
                marked = self._marked()
                references = self._references()
            if is_last or not (references.problems and references.moved):
                break
        return references, marked

    def _refresh(self) -> None:
        for structure in self._structures:
            structure.refresh()

    @contextmanager
    def _one_state(self) -> Iterator[None]:
        """See one state of each database; in a transaction that is open already, that one's."""
        with ExitStack() as stack:
            for connection in self._connections:
                if not connection.in_transaction:
                    stack.enter_context(connection.transaction(read_only=True))
            yield

    def _references(self) -> References:
        stores = StoreMap(self.config, self.backend)
        found = read_references(self._structures, Scope(stores, frozenset(self._names), self._sections.section_of))
        for structure in self._structures:
            refuse_unseen(structure)
        return found

    def list_hash_paths(self, schema_name: str) -> dict[str, int]:
        """Return path and size in bytes of the hash-addressed objects of a schema.

        Raises
        ------
        OSError, BucketInaccessible
            If any part of the section cannot be listed.
        """
        return {path: file.size for path, file in self._sections.hash_files(schema_name).items()}

    def list_schema_paths(self, schema_name: str) -> dict[str, int]:
        """Return path and size of the files of a schema's schema-addressed objects, with their manifests; as above."""
        return {
            path: f.size for path, f in self._sections.schema_files(schema_name, self._catalog(schema_name)).items()
        }

    def _catalog(self, schema: str) -> SchemaCatalog | None:
        for structure in self._structures:
            if schema in structure.own:
                if schema not in structure.catalogs:
                    structure.refresh()
                return structure.catalogs.get(schema)
        return self._connections[0].catalog(schema)

    def delete_schema_path(self, path: str) -> bool:
        """Remove one file, and the folders above it that became empty; nothing asks whether it is in use.

        Returns
        -------
        bool
            Whether there was such a file.
        """
        if not self.backend.exists(path):
            return False
        self.backend.remove(path)
        self.backend.prune(path)
        return True

    # --- plan
    def plan(self, grace_seconds: float | None = None) -> CollectionPlan:
        """Find out what would be deleted, and delete nothing.

        Parameters
        ----------
        grace_seconds : float, optional
            What changed within so many seconds stays; the setting ``objects.grace_seconds`` if not given.
        """
        grace = self.config.objects.grace_seconds if grace_seconds is None else grace_seconds
        problems: list[str] = []
        for structure, marks in zip(self._structures, self._marks, strict=True):
            for schema in structure.own:
                marks.settle(schema)
        # The listing comes first: what is in it was marked before, and has its mark or its reference still.
        listings = {kind: self._list(kind, problems) for kind in ("hash", "schema", "abandoned")}
        references, marked = self._look()
        now = time.time()
        orphans, in_flight, too_young = [], 0, 0
        for kind, listing in listings.items():
            for path, file in listing.items():
                if references.covers(path):
                    continue
                limit = max(grace, ABANDONED_SECONDS) if kind == "abandoned" else grace
                if covered(path, marked):
                    in_flight += 1
                elif limit > 0 and (file.modified is None or now - file.modified < limit):
                    too_young += kind != "abandoned"
                else:
                    orphans.append(Orphan(path, file.size, file.modified, kind))  # type: ignore[arg-type]
        return CollectionPlan(
            store=self._store_name,
            schemas=self._names,
            orphans=tuple(sorted(orphans, key=lambda orphan: orphan.path)),
            referenced={"hash": len(references.hash), "schema": len(references.schema)},
            stored={kind: len(listings[kind]) for kind in ("hash", "schema")},
            in_flight=in_flight,
            too_young=too_young,
            unmarked=tuple(name for name in self._names if name not in self._with_leases()),
            problems=(*problems, *references.problems),
            run=self._execute,
            made=now,
        )

    def _marked(self) -> set[str]:
        return {
            path
            for structure, marks in zip(self._structures, self._marks, strict=True)
            for schema in sorted(structure.own)
            if (catalog := structure.catalogs.get(schema)) is not None
            for path in marks.paths(catalog)
        }

    def _list(self, kind: str, problems: list[str]) -> Listing:
        found: Listing = {}
        for schema in self._names:
            try:
                if kind == "hash":
                    found |= self._sections.hash_files(schema)
                elif kind == "schema":
                    found |= self._sections.schema_files(schema, self._catalog(schema))
                else:
                    found |= self._sections.temporaries(schema)
            except Exception as error:  # noqa: BLE001 - whatever hides files, the listing is not whole
                problems.append(f"{_METHODS[kind]}({schema}): {error}")
        return found

    # --- deed
    def collect(
        self, dry_run: bool = True, verbose: bool = False, *, grace_seconds: float | None = None
    ) -> dict[str, Any]:
        """Find what no row refers to, and delete it unless this is a dry run.

        Parameters
        ----------
        dry_run : bool
            Whether to report only.
        verbose : bool
            Whether to log what is found and done.
        grace_seconds : float, optional
            As of `plan`.

        Returns
        -------
        dict
            For ``hash`` and ``schema``: ``…_paths_referenced``, ``…_paths_stored``, ``…_paths_orphaned`` (numbers),
            ``…_paths_orphaned_bytes``, ``orphaned_…_paths`` (sorted), ``…_paths_deleted``; then ``deleted``,
            ``bytes_freed``, ``errors`` (files that could not be deleted), ``scan_errors``, ``dry_run``;
            ``abandoned_paths``, ``in_flight``, ``too_young``, ``spared`` (no orphans any more when they were to be
            deleted), ``youngest_orphan_age`` in seconds, and ``warnings``.

        Raises
        ------
        DataJointError
            Unless this is a dry run, if anything could not be listed or read, or a transaction is open.
        """
        if not dry_run:
            self._refuse_within_a_transaction()
        plan = self.plan(grace_seconds)
        if verbose:
            logger.info("%s", plan)
        elif not dry_run:
            for warning in plan.warnings:
                logger.warning("%s", warning)
        if dry_run:
            return plan.report()
        report = plan.execute()
        if verbose:
            logger.info("Deleted %d files, %d bytes.", report["deleted"], report["bytes_freed"])
        return report

    def _refuse_within_a_transaction(self) -> None:
        if any(connection.in_transaction for connection in self._connections):
            raise DataJointError(
                "Garbage cannot be collected within a transaction: what it deleted may come back, and needs its objects.",
                hint="Leave the transaction first.",
            )

    def _execute(self, plan: CollectionPlan) -> dict[str, Any]:
        self._refuse_within_a_transaction()
        for structure, marks in zip(self._structures, self._marks, strict=True):
            for schema in sorted(structure.own):
                marks.provide(schema)
        done: dict[Kind, list[Orphan]] = {"hash": [], "schema": [], "abandoned": []}
        spared = errors = 0
        for start in range(0, len(plan.orphans), BATCH):
            batch = plan.orphans[start : start + BATCH]
            for orphan, outcome in zip(batch, self._delete_batch(batch), strict=True):
                if outcome == "deleted":
                    done[orphan.kind].append(orphan)
                spared += outcome == "spared"
                errors += outcome == "failed"
        for structure, marks in zip(self._structures, self._marks, strict=True):
            for schema in sorted(self._with_leases() & structure.own):
                marks.clear_dead(schema)
        everything = [orphan for orphans in done.values() for orphan in orphans]
        return plan.report(
            hash_paths_deleted=len(done["hash"]),
            schema_paths_deleted=len(done["schema"]),
            deleted=len(done["hash"]) + len(done["schema"]),
            bytes_freed=sum(orphan.size for orphan in everything),
            errors=errors,
            spared=spared,
            dry_run=False,
        )

    def _delete_batch(self, batch: tuple[Orphan, ...]) -> list[str]:
        for attempt in range(_ATTEMPTS):
            time.sleep(_PAUSE * attempt)
            try:
                with self._kept_out():
                    outcomes = self._delete_certain(batch)
                if outcomes is not None:
                    return outcomes
            except DeadlockError:
                if attempt == _ATTEMPTS - 1:
                    raise
        raise DataJointError("The schemas keep changing while garbage is collected.", hint="Try again later.")

    def _delete_certain(self, batch: tuple[Orphan, ...]) -> list[str] | None:
        """Delete what still is an orphan and tell of each file; None if the schemas changed and are to be asked anew."""
        marked = self._marked()
        references = self._references()
        if references.problems and references.moved:
            return None
        if references.problems:
            raise DataJointError(
                f"Stopped deleting, since rows cannot be read any more: {'; '.join(references.problems)}",
                hint="What was deleted before was certain garbage. Mend this and begin again.",
            )
        if self._barred != self._with_leases():
            return None
        return list(transfer.in_order(lambda orphan: self._delete(orphan, references, marked), batch))

    def _with_leases(self) -> set[str]:
        """Return the schemas in which writers mark what they write."""
        return {
            schema
            for structure in self._structures
            for schema in structure.own
            if (catalog := structure.catalogs.get(schema)) is not None and LEASES in catalog.tables
        }

    @contextmanager
    def _kept_out(self) -> Iterator[None]:
        self._refresh()
        self._barred = self._with_leases()
        with ExitStack() as stack:
            for structure, marks in zip(self._structures, self._marks, strict=True):
                own = [structure.catalogs[schema] for schema in sorted(structure.own) if schema in structure.catalogs]
                stack.enter_context(marks.kept_out(own))
            yield

    def _delete(self, orphan: Orphan, references: References, marked: set[str]) -> str:
        if references.covers(orphan.path) or covered(orphan.path, marked):
            return "spared"
        try:
            now = self.backend.info(orphan.path)
            if now is None:
                return "gone"
            if now != orphan.file:
                return "spared"  # written again since it was listed, by whoever
            self.backend.remove(orphan.path)
            self.backend.prune(orphan.path)
        except Exception as error:  # noqa: BLE001 - one file that cannot be deleted must not keep the others
            logger.warning("%s could not be deleted: %s", orphan.path, error)
            return "failed"
        return "deleted"


def _link(schema: Schema) -> Connection:
    if schema.connection is None or schema.database is None:
        raise DataJointError("A schema to collect has no database yet.", hint="Activate it first.")
    return schema.connection


_METHODS = {"hash": "list_hash_paths", "schema": "list_schema_paths", "abandoned": "list_temporaries"}
