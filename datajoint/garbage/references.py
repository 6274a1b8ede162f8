"""Every path that a row refers to, and whether all rows could be read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from datajoint.errors import AccessError, DataJointError, MissingTableError, QueryError
from datajoint.expression.nodes import TableNode
from datajoint.expression.pages import iterate
from datajoint.garbage.structure import ReferenceColumn, ReferenceTable, Section, Structure
from datajoint.storage import StorageBackend, checked_path, get_storage_backend

# How often a schema may change while it is read.
_ATTEMPTS = 5
# What a path may consist of, in bytes that nobody here can read.
_PATH_IN_BYTES = re.compile(rb"[\x20-\x7e\x80-\xff]{3,}")


class StoreMap:
    """Where references to stores by name lead, as paths of one store.

    Parameters
    ----------
    config : Config
    backend : StorageBackend
        The store that is collected.
    """

    def __init__(self, config: Any, backend: StorageBackend) -> None:
        self._config, self._backend = config, backend
        self._others: dict[str, StorageBackend | None] = {}

    def paths_here(self, path: Any, store: Any) -> Iterator[str]:
        """Yield the spellings by which a path of the store named `store` is known here; none if it lies elsewhere.

        What cannot be resolved, such as a store that only others have configured, is taken to be here.
        """
        if not isinstance(path, str) or not path:
            return
        for other in self._named(store):
            try:
                here = path if other is None else self._backend.path_here(other, checked_path(path))
            except (DataJointError, OSError):
                here = path
            if here is not None:
                yield here

    def _named(self, store: Any) -> list[StorageBackend | None]:
        if store:
            return [self._backend_of(str(store))]
        # Of a file's path the default is another one.
        names = [self._config.stores.get(default) for default in ("default", "filepath_default")]
        return [self._backend_of(name) for name in names if isinstance(name, str)] or [None]

    def _backend_of(self, store: str) -> StorageBackend | None:
        if store not in self._others:
            try:
                self._others[store] = get_storage_backend(self._config.get_store_spec(store))
            except (DataJointError, OSError):
                self._others[store] = None
        return self._others[store]


@dataclass
class References:
    """The paths that rows refer to, by the section that their codec writes to; and what could not be read.

    Attributes
    ----------
    moved : bool
        Whether structure changed meanwhile: what could not be read may be readable in a new transaction.
    """

    hash: set[str] = field(default_factory=set)
    schema: set[str] = field(default_factory=set)
    other: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    moved: bool = False

    def covers(self, path: str) -> bool:
        """Tell whether a file is referred to, or belongs to a folder or a manifest's object that is."""
        return covered(path, self.hash, self.schema, self.other)


def covered(path: str, *referenced: set[str]) -> bool:
    """Tell whether a file is one of `referenced`, its manifest, or lies below one."""
    candidates = [path, path.removesuffix(".manifest.json")]
    folder = path
    while "/" in folder:
        folder = folder.rpartition("/")[0]
        candidates.append(folder)
    return any(candidate in paths for candidate in candidates for paths in referenced)


@dataclass(frozen=True)
class Scope:
    """What is collected.

    Attributes
    ----------
    stores : StoreMap
    schemas : frozenset of str
    section_of : callable
        Tells by a path in which section it lies.
    """

    stores: StoreMap
    schemas: frozenset[str]
    section_of: Callable[[str], Section]

    def may_hold(self, path: str) -> bool:
        """Tell whether a path may be one of an object of the schemas."""
        return not self.schemas.isdisjoint(path.split("/"))


def read_references(structures: Iterable[Structure], scope: Scope) -> References:
    """Read what all rows of all schemas refer to.

    Within a transaction that sees one state, the answer is of that state.

    Parameters
    ----------
    structures : iterable of Structure
        One for each connection.
    scope : Scope
        What schemas that are not collected say of other paths is not kept.
    """
    found = References()
    for structure in structures:
        scanned: dict[str, References] = {}
        try:
            structure.refresh()
            changed = set(structure.catalogs)
            for _ in range(_ATTEMPTS):
                for schema in changed & structure.catalogs.keys():
                    scanned[schema] = _read_schema(structure, schema, scope)
                # On engines whose structure is not part of what a transaction sees, it may have moved on.
                changed = set(structure.refresh())
                for schema in changed:
                    scanned.pop(schema, None)
                if not changed:
                    break
                found.moved = True
            else:
                found.problems.append(f"the structure of {', '.join(sorted(changed))} changes all the time")
        except DataJointError as error:
            found.moved = True
            found.problems.append(f"the structure of the schemas: {error}")
        for part in scanned.values():
            found.hash |= part.hash
            found.schema |= part.schema
            found.other |= part.other
            found.problems += part.problems
            found.moved |= part.moved
    return found


def _read_schema(structure: Structure, schema: str, scope: Scope) -> References:
    tables = structure.tables(schema)
    found = References(problems=list(tables.problems))
    is_own = schema in structure.own
    for table in tables.tables:
        try:
            for column, path, store in _stored(structure, table):
                for here in scope.stores.paths_here(path, store):
                    if is_own or scope.may_hold(here):
                        by_codec = column.section != "other" or not column.codecs
                        getattr(found, column.section if by_codec else scope.section_of(here)).add(here)
        except MissingTableError:
            continue  # dropped or renamed since: what it is now, if anything, is found by asking again
        except Exception as error:  # noqa: BLE001 - what cannot be read may refer to anything
            # Some engines cannot read in a transaction what was made after it began.
            found.moved |= isinstance(error, QueryError) and not isinstance(error, AccessError)
            found.problems.append(f"references of {table.name}: {error}")
    return found


def _stored(structure: Structure, table: ReferenceTable) -> Iterator[tuple[ReferenceColumn, Any, Any]]:
    """Yield column, path and store of every reference of a table."""
    for row in iterate(structure.connection, TableNode(table.name, table.heading)):
        for column in table.columns:
            value = row[column.name]
            if value is None:
                continue
            if column.codecs:
                for codec in column.codecs:
                    for path, store in _told(codec, value):
                        yield column, path, store
            else:
                for text in _texts(value):
                    # Which store is meant, nobody here can tell.
                    yield column, text, _ANY


_ANY = "\0 any store"  # no store is called so; what cannot be resolved is taken to be here


def _told(codec: Any, value: Any) -> Iterable[tuple[Any, Any]]:
    """Let a codec tell what a stored value refers to; JSON is given decoded, and as text to codecs that want text."""
    try:
        return list(codec.referenced_paths(value))
    except Exception:
        if not isinstance(value, dict | list):
            raise
        return list(codec.referenced_paths(json.dumps(value)))


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in a value that may be a path."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, bytes | bytearray | memoryview):
        for run in _PATH_IN_BYTES.findall(bytes(value)):
            text = run.decode(errors="replace")
            yield text
            # The length that precedes a text in the blob format may be a printable character.
            yield text[1:]
    elif isinstance(value, str):
        yield value
        if value[:1] in {"{", "["}:
            try:
                document = json.loads(value)
            except ValueError:
                return
            yield from _texts(document)
