"""The files in a store's sections, and whose they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from datajoint.backends.catalog import SchemaCatalog
from datajoint.errors import DataJointError
from datajoint.garbage.structure import Section
from datajoint.storage import STORE_METADATA_FILENAME, StorageBackend
from datajoint.storage.files import is_temporary
from datajoint.storage.hashing import HASH
from datajoint.storage.listing import StoredFile
from datajoint.storage.paths import MAX_TOKEN, MIN_TOKEN, lies_in

Listing = dict[str, StoredFile]

_KEY_FOLDER = re.compile(r"\w+=.*", re.DOTALL)
_OBJECT_NAME = re.compile(rf"(?P<field>\w+)_[A-Za-z0-9_-]{{{MIN_TOKEN},{MAX_TOKEN}}}(\..*)?", re.DOTALL)


@dataclass(frozen=True)
class Sections:
    """The two sections of a store that hold objects of rows.

    Parameters
    ----------
    backend : StorageBackend
    hash_prefix, schema_prefix, filepath_prefix : str
        Folders without slashes around them; an empty one is the root of the store.
    """

    backend: StorageBackend
    hash_prefix: str
    schema_prefix: str
    filepath_prefix: str

    @classmethod
    def of(cls, backend: StorageBackend, spec: Mapping[str, Any]) -> Sections:
        """Return the sections that a store's settings name."""
        names = ("hash_prefix", "schema_prefix", "filepath_prefix")
        return cls(backend, *(str(spec.get(name) or "").strip("/") for name in names))

    def section_of(self, path: str) -> Section:
        """Tell in which section a path lies; of one that is the root of the store nothing is told."""
        if self.hash_prefix and lies_in(path, self.hash_prefix):
            return "hash"
        return "schema" if self.schema_prefix and lies_in(path, self.schema_prefix) else "other"

    # --- addressed by content
    def hash_files(self, schema: str) -> Listing:
        """List the hash-addressed objects of a schema."""
        folder = _joined(self.hash_prefix, schema)
        found = {}
        for file in self.backend.list_files(folder):
            steps = file.path[len(folder) + 1 :].split("/")
            if HASH.fullmatch(steps[-1]) and not self._is_foreign(file.path, self.hash_prefix, self.schema_prefix):
                folds = "".join(steps[:-1])
                # In the root of a store there may be anything: only what is where its hash puts it is an object.
                if self.hash_prefix or steps[-1].startswith(folds):
                    found[file.path] = file
        return found

    # --- addressed by schema, table and key
    def schema_files(self, schema: str, catalog: SchemaCatalog | None) -> Listing:
        """List the files of the schema-addressed objects of a schema, partitioned ones too.

        In a section that is the root of the store, only what a table of today can have written is taken for an object.
        """
        return {
            file.path: file
            for file in self._below_schema(schema)
            if not is_temporary(file.path)
            and not self._is_foreign(file.path, self.schema_prefix, self.hash_prefix)
            and (self.schema_prefix or _is_written_by(file.path, schema, catalog))
        }

    def _below_schema(self, schema: str) -> Iterator[StoredFile]:
        yield from self.backend.list_files(_joined(self.schema_prefix, schema))
        try:
            names = self.backend.listdir(self.schema_prefix)
        except DataJointError:
            if not self.backend.exists(self.schema_prefix):
                return  # nothing was ever written
            raise
        if not any(_KEY_FOLDER.fullmatch(name) for name in names):
            return
        start = len(self.schema_prefix) + 1 if self.schema_prefix else 0
        for file in self.backend.list_files(self.schema_prefix):
            steps = file.path[start:].split("/")
            folders = 0
            while folders < len(steps) and _KEY_FOLDER.fullmatch(steps[folders]):
                folders += 1
            if folders and folders < len(steps) - 1 and steps[folders] == schema:
                yield file

    def temporaries(self, schema: str) -> Listing:
        """List what was being written for a schema, perhaps by a process that is no more."""
        folders = {_joined(prefix, schema) for prefix in (self.hash_prefix, self.schema_prefix)}
        return {f.path: f for folder in folders for f in self.backend.list_files(folder) if is_temporary(f.path)}

    def _is_foreign(self, path: str, section: str, other: str) -> bool:
        """Tell whether a file in a section that is the root belongs to a section with a name."""
        if section:
            return False
        named = [prefix for prefix in (other, self.filepath_prefix) if prefix]
        return path == STORE_METADATA_FILENAME or any(lies_in(path, prefix) for prefix in named)


def _joined(*parts: str) -> str:
    return "/".join(part for part in parts if part)


def _is_written_by(path: str, schema: str, catalog: SchemaCatalog | None) -> bool:
    """Tell whether a path is one that a table of the schema gives to its objects."""
    steps = path.split("/")
    while steps and _KEY_FOLDER.fullmatch(steps[0]):
        steps.pop(0)
    if len(steps) < 3 or steps.pop(0) != schema or catalog is None:  # noqa: PLR2004 - schema, table, object
        return False
    table = catalog.tables.get(steps.pop(0))
    if table is None:
        return False
    key = set(table.primary_key)
    while len(steps) > 1 and steps[0].partition("=")[1] and steps[0].partition("=")[0] in key:
        steps.pop(0)
    named = _OBJECT_NAME.fullmatch(steps[0])
    columns = {column.name for column in table.columns if column.comment.startswith(":<")}
    return named is not None and any(_is_field(steps[0], column) for column in columns)


def _is_field(name: str, column: str) -> bool:
    """Tell whether an object's name is of a column: names and tokens may both hold underscores."""
    rest = name.removeprefix(column + "_").partition(".")[0]
    return name.startswith(column + "_") and MIN_TOKEN <= len(rest) <= MAX_TOKEN
