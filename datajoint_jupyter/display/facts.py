"""A few facts with their names."""

from __future__ import annotations

from collections.abc import Mapping

from datajoint_jupyter.display.markup import element, join
from datajoint_jupyter.display.twin import Static


def static_facts(title: str, facts: Mapping[str, str]) -> Static:
    """Return facts as two columns under a title."""
    width = max(map(len, facts), default=0)
    rows = (
        element(
            "tr",
            element("th", name, scope="row", style="text-align:left"),
            element("td", value, class_="dj-wrap", style="text-align:left"),
        )
        for name, value in facts.items()
    )
    return Static(
        html=join(
            [element("p", title, class_="dj-caption"), element("table", element("tbody", rows), class_="dj-table")]
        ),
        text="\n".join([title, *(f"  {name:<{width}}  {value}" for name, value in facts.items())]),
    )
