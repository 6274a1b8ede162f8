"""``%%dj define``: declare a table from the definition in the cell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import datajoint as dj
from datajoint_jupyter.magics.arguments import cell_body, connection_option, option, rest
from datajoint_jupyter.magics.command import Command, Context
from datajoint_jupyter.magics.describe import DescribeArguments, describe
from datajoint_jupyter.magics.errors import CommandError, unknown
from datajoint_jupyter.magics.evaluate import unknown_name
from datajoint_jupyter.workspace import Workspace

_HEAD = re.compile(r"(?:(?P<master>[A-Za-z]\w*)\.)?(?P<name>[A-Za-z]\w*)\s*\(\s*(?:dj\.)?(?P<tier>\w+)\s*\)")
_TIERS = {tier.__name__: tier for tier in (dj.Manual, dj.Lookup, dj.Imported, dj.Computed, dj.Part)}


@dataclass(frozen=True, slots=True)
class DefineArguments:
    """The first line of ``%%dj define``, and the cell."""

    head: str = rest("NAME(TIER)", "the class and its tier, such as Subject(Manual) or Session.Trial(Part)")
    schema: str | None = option(
        "-s", "--schema", default=None, metavar="SCHEMA", help_text="where; a schema or a variable"
    )
    create: bool = option("--create", default=False, help_text="make the schema if it does not exist")
    conn: str | None = connection_option()
    body: str = cell_body()


def define(context: Context, arguments: DefineArguments) -> None:
    """Declare the table, give its class to the notebook, and show what it is."""
    head = _HEAD.fullmatch(arguments.head.strip())
    if head is None:
        raise CommandError(
            f"%%dj define was given {arguments.head!r}, which is not a name and a tier.",
            "Write, for example, %%dj define Subject(Manual) -s lab.",
        )
    name, master, tier = head["name"], head["master"], head["tier"]
    if tier not in _TIERS:
        raise unknown("tier", tier, list(_TIERS))
    if (tier == "Part") != (master is not None):
        raise CommandError(
            "A part is written with its master, other tables without one.",
            f"Write {name}(Manual), or Master.{name}(Part).",
        )
    where = context.on(arguments.conn)
    cls: Any = type(name, (_TIERS[tier],), {"definition": arguments.body, "__module__": "__main__"})
    if master is None:
        _schema(where, arguments)(cls, context=_names(where.workspace))
        context.keep(name, cls)
    else:
        _declare_part(where.workspace, master, cls)
    context.workspace.forget()
    describe(where, DescribeArguments(expression=f"{master}.{name}" if master else name))
    if tier in ("Imported", "Computed"):
        print(f"To fill {name}, define its class with a make() in a cell of Python.")  # noqa: T201


def _schema(context: Context, arguments: DefineArguments) -> Any:
    """Return the schema that is named, made if that was asked for; without a name, the only one in use."""
    workspace, name = context.workspace, arguments.schema
    if name is None:
        if len(workspace.schemas) == 1:
            return next(iter(workspace.schemas.values()))
        hint = f"In use are {', '.join(workspace.schemas)}." if workspace.schemas else "Add --create to make a new one."
        raise CommandError("%%dj define was not told in which schema.", f"Name one by -s. {hint}")
    variable = workspace.variables().get(name)
    if isinstance(variable, dj.Schema):
        return variable
    if name in workspace.schemas:
        return workspace.schemas[name]
    existing = dj.list_schemas(workspace.connection)
    if name not in existing and not arguments.create:
        raise unknown("schema", name, existing, otherwise="Add --create to make it.")
    schema = dj.Schema(name, connection=workspace.connection, create_schema=arguments.create)
    context.workspace.use(schema)
    return schema


def _names(workspace: Workspace) -> dict[str, Any]:
    """Return what foreign keys may name: the notebook's variables, and tables of the schemas in use."""
    names: dict[str, Any] = {}
    for schema, classes in workspace.tables().items():
        names[schema] = SimpleNamespace(**classes)
        names.update(classes)
    return {**names, **workspace.variables()}


def _declare_part(workspace: Workspace, master: str, part: Any) -> None:
    """Add a part to its master's class, and declare it; a part that is refused leaves the class as it was."""
    try:
        owner = workspace.lookup(master)
    except KeyError:
        raise unknown_name(master, workspace) from None
    if not (isinstance(owner, type) and issubclass(owner, dj.Table)) or owner.database is None:
        raise CommandError(f"{master} is no table of a schema.", "Define the master first.")
    schema = owner().connection.schemas[owner.database]
    before = vars(owner).get(part.__name__)
    setattr(owner, part.__name__, part)
    try:
        schema(owner, context=_names(workspace))
    except Exception:
        if before is None:
            delattr(owner, part.__name__)
        else:
            setattr(owner, part.__name__, before)
        raise


COMMAND = Command(
    "define",
    "declare a table from the definition in the cell",
    DefineArguments,
    define,
    examples=(
        "%%dj define Subject(Manual) -s lab --create\n  # an animal\n  subject_id : int32\n  ---\n  species : varchar(30)",
    ),
)
