"""Write the classes of a schema as the text of a Python module."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datajoint.class_names import class_paths, table_of
from datajoint.declare import describe
from datajoint.declare.resolve import table_info
from datajoint.declare.stored import read_heading
from datajoint.definition import TableName
from datajoint.tiers import tier_of

if TYPE_CHECKING:
    from datajoint.backends.catalog import SchemaCatalog, TableInfo
    from datajoint.connection import Connection

_INDENT = "    "


def module_source(connection: Connection, schema: str, tables: Sequence[str]) -> str:
    """Return the text of a module that declares, or binds, the tables of a schema.

    Tables of other schemas that these refer to are reached through virtual modules.

    Parameters
    ----------
    connection : Connection
    schema : str
        Name in the database.
    tables : sequence of str
        Names of its tables in topological order, parts after their masters.
    """
    return _Writer(connection, schema, class_paths(tables)).text()


@dataclass
class _Writer:
    connection: Connection
    schema: str
    paths: Mapping[str, str]
    modules: dict[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """Return the module."""
        found = {name: self.table(name) for name in self.paths}
        used = {"dj", "schema", "master", "self", *self.paths.values()}
        others = {key.parent.schema for info, _ in found.values() for key in info.foreign_keys} - {self.schema}
        for other in sorted(others):
            self.modules[other] = _variable(other, used)
            used.add(self.modules[other])
        lines = [f'"""The tables of the schema {self.schema!r}."""', "", "import datajoint as dj", ""]
        lines += [f"{variable} = dj.VirtualModule({other!r}, {other!r})" for other, variable in self.modules.items()]
        lines.append(f"schema = dj.Schema({self.schema!r})")
        for name, path in self.paths.items():
            if "." not in path:
                lines += ["", "", "@schema", *self.class_lines(name, "")]
                for part in (n for n, p in self.paths.items() if p.startswith(f"{path}.")):
                    lines += ["", *(_INDENT + line if line else "" for line in self.class_lines(part, name))]
        return "\n".join(lines) + "\n"

    def table(self, name: str) -> tuple[TableInfo, SchemaCatalog]:
        found = table_info(self.connection, TableName(self.schema, name))
        assert found is not None  # the names were read from the database a moment ago
        return found

    def class_lines(self, name: str, master: str) -> list[str]:
        """Return the lines of one class, without its parts."""
        info, catalog = self.table(name)
        tier = tier_of(name)
        assert tier is not None  # it has a class
        path = self.paths[name]
        heading = read_heading(info, catalog, self.connection.catalog)
        definition = describe(info, heading, lambda parent: self.spelled(parent, master))
        lines = [f"class {path.rpartition('.')[2]}(dj.{tier.__name__}):"]
        if name != ("" if master else tier._prefix) + table_of(path, master):
            lines.append(f"{_INDENT}_table_name = {name!r}")
        if _is_plain(definition):
            quoted = ['definition = """', *definition.splitlines(), '"""']
            return [*lines, *(_INDENT + line if line else "" for line in quoted)]
        return [*lines, f"{_INDENT}definition = {definition!r}"]

    def spelled(self, parent: TableName, master: str) -> str:
        """Return how a definition in the module names a table."""
        if parent.schema == self.schema and parent.name in self.paths:
            return "master" if parent.name == master else self.paths[parent.name]
        catalog = self.connection.catalog(parent.schema) if parent.schema in self.modules else None
        path = class_paths(catalog.tables).get(parent.name) if catalog is not None else None
        # A class name that had to be made distinct depends on the order of tables; the quoted name never does.
        if path is not None and not any(path.endswith(word) for word in ("Lookup", "Manual", "Imported", "Computed")):
            return f"{self.modules[parent.schema]}.{path}"
        return str(self.connection.dialect.quote(parent.identifier))


def _is_plain(definition: str) -> bool:
    """Tell whether a text can stand between triple quotes as it is."""
    return (
        "\\" not in definition
        and '"""' not in definition
        and all(line.isprintable() for line in definition.split("\n"))
        and all(line == line.strip() for line in definition.splitlines())
    )


def _variable(schema: str, taken: set[str]) -> str:
    """Return a Python name for a schema that is not taken."""
    name = re.sub(r"\W", "_", schema)
    if name[:1].isdigit() or keyword.iskeyword(name):
        name = f"_{name}"
    while name in taken:
        name += "_"
    return name
