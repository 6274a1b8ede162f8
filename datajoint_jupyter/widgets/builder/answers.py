"""What a page of the builder asks about tables and values, while a condition is being made."""

from __future__ import annotations

from typing import Any

from datajoint_jupyter.protocol import ProtocolError
from datajoint_jupyter.widgets.browser.summaries import summarise
from datajoint_jupyter.widgets.builder.attributes import attribute_states
from datajoint_jupyter.widgets.builder.messages import KeysRequest, RelatedRequest, TableRequest, ValuesRequest
from datajoint_jupyter.widgets.builder.tables import KEYS, Tables

_SECONDS = 2.0


class Answers:
    """Answers questions; used by the builder's thread."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def answer(self, asked: Any) -> dict[str, Any]:
        """Return the payload of the answer.

        Raises
        ------
        ProtocolError
            For a table or an attribute that does not exist.
        DataJointError
            If the database refuses.
        """
        try:
            match asked:
                case RelatedRequest(table=table):
                    keys = [{"name": name, "hint": ""} for name in self._tables.key_tables(table)]
                    return {"tables": self._tables.related(table), "key_tables": keys}
                case TableRequest(origin=origin, table=table):
                    states = attribute_states(self._tables.heading(table))
                    return {"attributes": states, "ways": self._tables.ways(origin, table)}
                case KeysRequest():
                    return self._keys(asked)
                case ValuesRequest(table=table, name=name):
                    return self._values(table, name)
        except KeyError as error:
            raise ProtocolError(f"There is no {error.args[0]!r} to ask about.") from None
        raise ProtocolError(f"{type(asked).__name__} has no answer.")

    def _keys(self, asked: KeysRequest) -> dict[str, Any]:
        rows = self._tables.keys(asked.origin, asked.table, asked.search, asked.offset)
        shown = [{"key": row.key, "label": row.label} for row in rows[:KEYS]]
        return {"rows": shown, "more": len(rows) > KEYS, "offset": asked.offset, "page": KEYS}

    def _values(self, table: str, name: str) -> dict[str, Any]:
        expression = self._tables.expression(table)
        if not any(
            state["name"] == name and state["tests"] != ["missing"] for state in attribute_states(expression.heading)
        ):
            raise KeyError(name)
        return summarise(expression, name, seconds=_SECONDS).state()
