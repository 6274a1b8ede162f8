"""Write large objects piece by piece straight into a store, and insert their row when they are complete."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from datajoint.codecs import MissingCodec
from datajoint.codecs.builtin.object import ObjectCodec, document_of
from datajoint.codecs.places import store_of
from datajoint.codecs.uploads import Uploads
from datajoint.errors import DataJointError, LostConnectionError
from datajoint.naming import did_you_mean
from datajoint.storage.folders import write_manifest
from datajoint.table.base_table import base_table
from datajoint.table.columns import ColumnWriter
from datajoint.table.insert import check_direct
from datajoint.table.marks import marks_of

if TYPE_CHECKING:
    from datajoint.expression.operand import Operand
    from datajoint.storage.backend import StorageBackend


class _Object(NamedTuple):
    """An object being written."""

    path: str
    ext: str
    store: str
    backend: StorageBackend


class StagedInsert:
    """One row whose objects are written before it is inserted; see `staged_insert1`.

    Attributes
    ----------
    rec : dict
        The row: set the key and the other attributes here. The staged ones are set at the end of the block.
    """

    def __init__(self, table: Operand) -> None:
        self.rec: dict[str, Any] = {}
        self._target, self._table = base_table(table), table
        self._objects = Uploads(parallel=False, marks=marks_of(self._target.connection, self._target.name))
        self._staged: dict[str, _Object] = {}

    @property
    def fs(self) -> Any:
        """The `fsspec` file system of the default store.

        Raises
        ------
        DataJointError
            If no default store is configured.
        """
        return self._store("").backend.fs

    def store(self, field: str, ext: str = "") -> Any:
        """Return a mapping from names to contents at the object's path, as array formats such as zarr write to.

        Parameters
        ----------
        field : str
            An attribute of type ``<object@>``.
        ext : str
            Extension of the object's name; that of the first call counts.

        Returns
        -------
        fsspec.FSMap

        Raises
        ------
        DataJointError
            If the attribute is no such one, the key is not complete in `rec`, or the store is not configured.
        """
        staged = self._begin(field, ext, folder=True)
        return staged.backend.get_fsmap(staged.path)

    def open(self, field: str, ext: str = "", mode: str = "wb") -> Any:
        """Open a file at the object's path; parameters and errors as `store`."""
        staged = self._begin(field, ext, folder=False)
        return staged.backend.open(staged.path, mode)

    def _begin(self, field: str, ext: str, *, folder: bool) -> _Object:
        if field not in self._staged:
            self._staged[field] = self._place(field, ext)
        staged = self._staged[field]
        self._objects.begin(staged.store, staged.backend, self._objects.new_path(staged.path), folder=folder)
        self._objects.mark()
        return staged

    def _place(self, field: str, ext: str) -> _Object:
        heading = self._target.heading
        if field not in heading:
            raise DataJointError(
                f"Attribute '{field}' not found in table heading", hint=did_you_mean(field, heading.names) or None
            )
        attribute = heading[field]
        codec = attribute.codec
        if not isinstance(codec, ObjectCodec) or isinstance(codec, MissingCodec) or codec.name != "object":
            raise DataJointError(
                f"Attribute '{field}' is not an <object> type",
                hint=f"It is {attribute.declared_type}: insert its value.",
            )
        missing = {n for n in heading.primary_key if self.rec.get(n) is None}
        if missing:
            raise DataJointError(
                "Primary key values must be set in staged.rec before calling store() or open(). "
                f"Missing: {{{', '.join(sorted(map(repr, missing)))}}}"
            )
        key = {n: ColumnWriter.of(self._target, n).convert(self.rec[n], {}) for n in heading.primary_key}
        store = self._store(attribute.store)
        name = self._target.name
        path, _ = codec._build_path(
            name.schema, name.name, field, key, ext or None, store.name, self._target.connection.settings
        )
        return _Object(path, ext, store.name, store.backend)

    def _store(self, name: str | None) -> Any:
        try:
            return store_of(name, self._target.connection.settings)
        except DataJointError as error:
            raise DataJointError(
                "Storage is not configured. Set stores.default and stores.<name> settings in datajoint.json.",
                hint=str(error),
            ) from error

    # --- the end
    def _insert(self, options: dict[str, Any]) -> None:
        """Put what was written into the row, and insert it; remove what was written if the row is refused."""
        connection, objects, sending = self._target.connection, self._objects, False
        try:
            for field, staged in self._staged.items():
                self.rec[field] = {**_description(staged), "store": staged.store}
            sending = True
            # In a transaction, so that whatever is raised meanwhile, by the user's class too, means that there is no row.
            with connection.transaction:
                self._table.insert1(self.rec, **options)  # type: ignore[attr-defined]  # every table has it
        except BaseException as error:
            undone = isinstance(error, Exception) and not isinstance(error, LostConnectionError)
            objects.close(kept=False if undone or not sending else None)
            raise
        connection.at_end_of_transaction(lambda kept: objects.close(kept=kept))


def _description(staged: _Object) -> dict[str, Any]:
    backend, path, ext = staged.backend, staged.path, staged.ext or None
    if backend.isdir(path):
        files = [{"path": file.path[len(path) + 1 :], "size": file.size} for file in backend.list_files(path)]
        manifest = write_manifest(backend, path, sorted(files, key=lambda file: str(file["path"])))
        return document_of(path, size=manifest["total_size"], ext=ext, is_dir=True, item_count=manifest["item_count"])
    if not backend.exists(path):
        backend.put_buffer(b"", path)  # a row must not refer to nothing
    return document_of(path, size=backend.size(path), ext=ext, is_dir=False, item_count=None)


class StagedInsertBlock:
    """What ``Table.staged_insert1`` is: a context manager, and callable with options of `insert1` to make another."""

    def __init__(self, table: Operand, options: dict[str, Any] | None = None) -> None:
        self._table, self._options = table, options or {}

    def __call__(self, **options: Any) -> StagedInsertBlock:
        """Return a block that passes `options` to `insert1`."""
        return StagedInsertBlock(self._table, self._options | options)

    def __enter__(self) -> StagedInsert:
        check_direct(self._table, allow_direct_insert=self._options.get("allow_direct_insert"))
        self._staged = StagedInsert(self._table)
        return self._staged

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._staged._insert(self._options)
        else:
            self._staged._objects.close(kept=False)


def staged_insert1(table: Operand) -> StagedInsertBlock:
    """Write the objects of one row straight into their stores; the row is inserted at the end of the block.

    Objects get their final names at once, each with a token of its own, so that nobody else writes to them. If the block
    raises, or the row is refused, they are removed.

    Returns
    -------
    StagedInsertBlock
        Its ``with`` block yields a `StagedInsert`. Calling it, ``staged_insert1(skip_duplicates=True)``, gives
        options of `insert1`.

    Raises
    ------
    DataJointError
        As `insert1`, at the end of the block; for a table that is filled by its `make` only, at its beginning.

    Examples
    --------
    ::

        with Recording.staged_insert1 as staged:
            staged.rec["recording_id"] = 7
            zarr.open(staged.store("frames", ".zarr"), mode="w")[:] = frames
    """
    return StagedInsertBlock(table)
