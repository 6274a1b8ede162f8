"""What is asked about the rows that a browser shows: a column in short, one value, related rows, a file of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import datajoint as dj
from datajoint.expression import QueryExpression
from datajoint_jupyter.export import export_rows
from datajoint_jupyter.source_text import text_of_table
from datajoint_jupyter.widgets.browser.cells import TooLargeError, read_value
from datajoint_jupyter.widgets.browser.messages import CellRequest, ExportRequest, FollowRequest, Scope
from datajoint_jupyter.widgets.browser.related import COUNTED, Relation, count_rows, relations
from datajoint_jupyter.widgets.browser.step import keys_code
from datajoint_jupyter.widgets.browser.summaries import summarise

if TYPE_CHECKING:
    from datajoint_jupyter.widgets.browser.widget import TableBrowser

_SECONDS = 1.0  # for counting the rows of one related table


class Details:
    """Answers for one browser, each as the payload that its page draws.

    Parameters
    ----------
    browser : TableBrowser
    """

    def __init__(self, browser: TableBrowser) -> None:
        self._browser = browser

    def summary(self, name: str) -> dict[str, Any]:
        """Return a column in short.

        Raises
        ------
        DataJointError
            If there is no such column, its values are not read for tables, or it takes too long.
        """
        step = self._browser.step
        if name not in {column.name for column in step.columns if column.placeholder is None}:
            raise dj.DataJointError(f"There is no summary of {name!r}.", hint="Choose a column whose values are shown.")
        return {"summary": summarise(step.filtered, name).state()}

    def cell(self, request: CellRequest) -> dict[str, Any]:
        """Return one value; of a large one its size alone, unless that is known.

        Raises
        ------
        DataJointError
            If there is no such value.
        """
        source, step = self._browser.source_at(request.revision), self._browser.step
        if request.name not in {column.name for column in step.columns}:
            raise dj.DataJointError(f"There is no column {request.name!r}.", hint="Choose one that is shown.")
        key = source.keys_at([request.row])[0]
        try:
            content = read_value(step.expression, key, request.name, whatever_size=request.whatever_size)
        except TooLargeError as error:
            return {"large": str(error)}
        return {"content": content.state()}

    # --- related rows
    def related(self, scope: Scope) -> dict[str, Any]:
        """Return the tables with rows that belong to the rows meant, and how many."""
        source, _ = self._meant(scope)
        found = []
        for place, relation in enumerate(relations(self._browser.step.expression)):
            count = count_rows(relation.rows(source), _SECONDS)
            found.append(
                {
                    "place": place,
                    "kind": relation.kind,
                    "name": relation.name,
                    "title": _title(relation),
                    "count": _spelled(count),
                    "empty": count == 0,
                }
            )
        return {"related": found, "scope": scope.what, "row": scope.row}

    def followed(self, request: FollowRequest) -> tuple[Relation, QueryExpression, str]:
        """Return a relation, the rows that it is followed from, and Python text for them.

        Raises
        ------
        DataJointError
            If it is not there any more.
        """
        found = relations(self._browser.step.expression)
        if request.place >= len(found) or found[request.place].name != request.name:
            raise dj.DataJointError("The tables have changed meanwhile.", hint="Look for related rows again.")
        return found[request.place], *self._meant(request.scope)

    def _meant(self, scope: Scope) -> tuple[QueryExpression, str]:
        step = self._browser.step
        if scope.what == "all":
            return step.filtered, step.filtered_code
        keys = (
            self._browser.selection
            if scope.what == "selection"
            else self._browser.source_at(scope.revision).keys_at([scope.row])
        )
        return step.expression & keys, keys_code(step.code, keys)

    # --- files
    def export(self, request: ExportRequest) -> dict[str, Any]:
        """Write the rows, with the columns shown, to a file in the notebook's folder or below it.

        Raises
        ------
        DataJointError
            If the name leads elsewhere, or as `export_rows`.
        """
        path = Path(request.file.strip())
        if not path.name or path.is_absolute() or ".." in path.parts:
            raise dj.DataJointError(
                f"A file {request.file!r} was asked for.",
                hint="Give a name in the notebook's folder, such as rows.csv or results/rows.parquet.",
            )
        step = self._browser.step
        rows = step.query
        if request.selection:
            rows = rows & self._browser.selection
        shown = [column.name for column in step.shown if column.name not in rows.primary_key]
        return {"text": str(export_rows(rows.proj(*shown), path, overwrite=request.overwrite))}


def _title(relation: Relation) -> str:
    """Return a table's class name, and the foreign key's attributes where they have other names there."""
    name = text_of_table(relation.table)
    title = relation.name if name.startswith("dj.") else name
    renamed = [there for there, here in relation.attributes.items() if there != here]
    return f"{title} ({', '.join(renamed)})" if renamed else title


def _spelled(count: int | None) -> str:
    if count is None:
        return "rows not counted"
    if count > COUNTED:
        return f"more than {COUNTED:,} rows"
    return f"{count:,} row{'' if count == 1 else 's'}"
