"""The definition language: text to a table in the database, and back.

`grammar` reads the text, `resolve` gives its names and types a meaning, `create` makes the table, `stored` reads a
table's heading and `describe` its definition. `difference` compares both, `alter` makes the table follow its definition.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from datajoint.declare.alter import AlterPlan, plan_alter
from datajoint.declare.create import create_table
from datajoint.declare.describe import describe
from datajoint.declare.grammar import ParsedDefinition, parse_definition
from datajoint.declare.reference import Referent
from datajoint.declare.resolve import resolve
from datajoint.declare.stored import read_heading

__all__ = [
    "AlterPlan",
    "ParsedDefinition",
    "Referent",
    "create_table",
    "declare",
    "describe",
    "parse_definition",
    "plan_alter",
    "read_heading",
    "resolve",
]


def declare(
    full_table_name: str,
    definition: str,
    context: Mapping[str, Any],
    adapter: Any,
    *,
    config: Any = None,  # noqa: ARG001 - kept for programs that pass it
) -> Any:
    """Return the DDL of a definition as text, without sending it.

    Parameters
    ----------
    full_table_name : str
        Schema and table, quoted or bare.
    definition : str
    context : mapping
        Names that foreign keys may use.
    adapter : DatabaseAdapter
        Of the engine, where `context` has no class that is bound to a database.
    config : object, optional
        Not used.

    Returns
    -------
    tuple
        The text of CREATE TABLE, an empty list, the names of the key attributes, the foreign attributes with their
        parents, and the statements to be sent before and after.

    Raises
    ------
    DefinitionError
        If the definition cannot be read, or refers to what does not exist.
    """
    # Found by its name: it stands above, among what only older programs ask for.
    return importlib.import_module("datajoint.compat.declaration").declare(
        full_table_name, definition, context, adapter
    )
