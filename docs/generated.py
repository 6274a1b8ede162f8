"""The pages that are written from the code: the reference, command lines, settings, the table of engines."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import datajoint as dj
from datajoint.settings import ENV_VAR_MAPPING, Config

_TABLES = ("Table", "Manual", "Lookup", "Imported", "Computed", "Part", "FreeTable", "AutoPopulate")
_QUERIES = ("QueryExpression", "U", "Top", "Near", "Not", "AndList", "Sql")
_PLACES = ("Schema", "VirtualModule", "Connection", "Instance")
_OBJECTS = ("Codec", "SchemaCodec", "NpyRef", "ObjectRef", "MatCell", "MatStruct", "StorageAdapter", "SparkAdapter")
_GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "tables": ("Tables", _TABLES),
    "queries": ("Query expressions", _QUERIES),
    "schemas": ("Schemas and connections", _PLACES),
    "jobs": ("Job queues", ("Job",)),
    "objects": ("Codecs, objects and stores", _OBJECTS),
    "diagram": ("Diagrams", ("Diagram",)),
}
_SYNONYMS = {"Entry": "Manual", "Ingest": "Imported", "Compute": "Computed"}
_ELSEWHERE = {"config": "settings.md", "errors": "errors.md", "cli": "../reference/command-line.md"}


def pages(notebooks: Sequence[str]) -> dict[str, str]:
    """Return the text of each page by its path among the pages.

    Parameters
    ----------
    notebooks : sequence of str
        Their names without suffix, in order.
    """
    made = {f"reference/{name}.md": _classes(title, names) for name, (title, names) in _GROUPS.items()}
    made["reference/functions.md"] = _functions()
    made["reference/modules.md"] = _modules()
    made["reference/errors.md"] = _errors()
    made["reference/settings.md"] = _settings()
    made["reference/command-line.md"] = _command_line()
    made["reference/magics.md"] = _magics()
    made["reference/testing.md"] = _testing()
    made["reference/notebook.md"] = _notebook()
    made["engines.md"] = _read("engines.md").replace("<!-- differences -->", differences())
    made["tutorials/index.md"] = _read("tutorials/index.md").replace("<!-- notebooks -->", "\n".join(notebooks))
    return made


def _read(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def _rst(lines: Iterable[str]) -> str:
    return "\n".join(["```{eval-rst}", *lines, "```", ""])


def _classes(title: str, names: Sequence[str]) -> str:
    parts = [f"# {title}\n", *(_class("datajoint", name, getattr(dj, name)) for name in names)]
    same = [f"`dj.{name}` is another name of `dj.{of}`." for name, of in _SYNONYMS.items() if of in names]
    return "\n".join([*parts, *same, ""])


def _class(module: str, name: str, found: Any, heading: str = "##") -> str:
    lines = [f".. autoclass:: {module}.{name}", *(f"   :{option}:" for option in _options(found)), ""]
    return f"{heading} {name}\n\n{_rst(lines)}"


def _options(found: Any) -> Iterator[str]:
    """Say which members belong to the page: a class's own, and those of bases that have no page of their own."""
    yield "members"
    if found in (dj.Table, dj.QueryExpression, dj.Job, dj.Schema, dj.Connection):
        yield "show-inheritance"
    if found is dj.QueryExpression:
        yield "inherited-members: object"


def _functions() -> str:
    grouped = {name for _, names in _GROUPS.values() for name in names} | set(_SYNONYMS)
    names = [
        name
        for name in sorted(dj.__all__)
        if name not in grouped
        and not isinstance(getattr(dj, name), ModuleType)
        and name not in ("config", "logger", "cli", "DataJointError", "ThreadSafetyError")
    ]
    parts = ["# Functions and small classes\n"]
    for name in names:
        found = getattr(dj, name)
        if inspect.isclass(found):
            parts.append(_class("datajoint", name, found))
        else:
            parts.append(f"## {name}\n\n" + _rst([f".. autofunction:: datajoint.{name}", ""]))
    parts.append(
        "`dj.config` holds the [settings](settings.md) of the process, and `dj.logger` is the `logging.Logger` named\n"
        "`datajoint`. `dj.cli` is the [command line](command-line.md).\n"
    )
    return "\n".join(parts)


def _modules() -> str:
    parts = [
        "# Modules\n",
        "Public modules, reached as `dj.<name>`. Most only give names of DataJoint 2.3 a place to be imported from.\n",
    ]
    for name in sorted(dj.__all__):
        found = getattr(dj, name)
        if not isinstance(found, ModuleType) or name == "errors":
            continue
        members = list(_members(found))
        parts.append(f"## dj.{name}\n\n{inspect.getdoc(found) or ''}\n")
        for member in members:
            value = getattr(found, member)
            kind = "class" if inspect.isclass(value) else "function"
            lines = [f".. auto{kind}:: {found.__name__}.{member}", *(["   :members:"] if kind == "class" else []), ""]
            parts.append(_rst(lines))
    return "\n".join(parts)


def _members(module: ModuleType) -> Iterator[str]:
    """Yield the names that are defined in a module, have a docstring, and are shown nowhere else."""
    shown = {id(getattr(dj, name)) for name in dj.__all__}
    for name in getattr(module, "__all__", None) or vars(module):
        value = getattr(module, name, None)
        if name.startswith("_") or not (inspect.isclass(value) or inspect.isfunction(value)) or id(value) in shown:
            continue
        home = getattr(value, "__module__", "")
        own = home == module.__name__ or home.startswith(f"{module.__name__}.")
        if (own or module.__name__ == "datajoint.gc") and inspect.getdoc(value):
            yield name


def _errors() -> str:
    errors = importlib.import_module("datajoint.errors")
    found = [
        value
        for value in vars(errors).values()
        if inspect.isclass(value) and issubclass(value, Exception) and value.__module__ == errors.__name__
    ]
    rows = [
        f"| `{cls.__name__}` | {', '.join(f'`{base.__name__}`' for base in cls.__bases__ if base is not object)} "
        f"| {_first_line(cls)} |"
        for cls in found
    ]
    return "\n".join(
        [
            "# Errors",
            "",
            "All are in `datajoint.errors` (`dj.errors`). Catch `dj.DataJointError` for any of them. Where an error is also",
            "one of Python's own, such as `KeyError`, either name catches it.",
            "",
            "| error | is also | raised when |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def _first_line(thing: Any) -> str:
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def _settings() -> str:
    config = Config()
    rows = []
    for key, variable in ENV_VAR_MAPPING.items():
        group, _, name = key.partition(".")
        owner = type(getattr(config, group)) if name else Config
        default = owner.model_fields[name or group].get_default(call_default_factory=True)
        rows.append(
            f"| `{key}` | `{variable}` | `{default!r}` |" if key != "stores" else f"| `{key}` | `{variable}` | |"
        )
    groups = [name for name in Config.model_fields if hasattr(type(getattr(config, name)), "model_fields")]
    about = []
    for name in groups:
        kind = type(getattr(config, name))
        about.append(f"### {name}\n\n{_rst([f'.. autoclass:: {kind.__module__}.{kind.__name__}', ''])}")
    return _read("reference/settings.md").format(rows="\n".join(rows), groups="\n".join(about))


def _command_line() -> str:
    from datajoint.cli import cli  # noqa: PLC0415 - the text of its help

    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
        cli(["--help"])
    return _read("reference/command-line.md").replace("<!-- help -->", f"```text\n{shown.getvalue().rstrip()}\n```")


def _magics() -> str:
    from datajoint_jupyter.magics import magic  # noqa: PLC0415 - needs IPython
    from datajoint_jupyter.magics.help import manual  # noqa: PLC0415 - as above

    parts = [f"## %dj {name}\n\n```text\n{manual(each, f'%dj {name}')}\n```\n" for name, each in magic.COMMANDS.items()]
    parts.append(f"## %%dj\n\n```text\n{manual(magic.CELL, '%%dj')}\n```\n")
    parts += [
        f"## %%dj {name}\n\n```text\n{manual(each, f'%%dj {name}')}\n```\n"
        for name, each in magic.CELL_COMMANDS.items()
    ]
    return _read("reference/magics.md").replace("<!-- magics -->", "\n".join(parts))


def _testing() -> str:
    plugin = importlib.import_module("datajoint.testing.plugin")
    lines = [".. autofunction:: datajoint.testing.fill", ""]
    return (
        "# datajoint.testing\n\nSee [Test a pipeline](../how-to/test-a-pipeline.md) for how it is used.\n\n"
        f"## fill\n\n{_rst(lines)}\n## The pytest plugin\n\n{_rst((inspect.getdoc(plugin) or '').splitlines())}"
    )


def _notebook() -> str:
    package = importlib.import_module("datajoint_jupyter")
    parts = ["# datajoint_jupyter\n", f"{inspect.getdoc(package)}\n"]
    for name in package.__all__:
        found = getattr(package, name)
        if inspect.isclass(found):
            parts.append(_class("datajoint_jupyter", name, found))
        else:
            parts.append(f"## {name}\n\n" + _rst([f".. autofunction:: datajoint_jupyter.{name}", ""]))
    return "\n".join(parts)


def differences() -> str:
    """Return what differs between the engines as a table in Markdown; proved by the tests that read the same list."""
    from tests.capabilities import DIFFERENCES, ENGINES  # noqa: PLC0415 - needs pytest

    titles = {"sqlite": "SQLite", "mysql": "MySQL", "mariadb": "MariaDB", "postgresql": "PostgreSQL"}
    lines = ["| | " + " | ".join(titles[name] for name in ENGINES) + " |", "|---" * (len(ENGINES) + 1) + "|"]
    for difference, reasons in DIFFERENCES.items():
        cells = [f"no: {reasons[name]}" if name in reasons else "yes" for name in ENGINES]
        lines.append(f"| {difference.replace('|', '&#124;')} | " + " | ".join(cells).replace("\n", " ") + " |")
    return "\n".join(lines)
