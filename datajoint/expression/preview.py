"""The first rows of an expression as text and as HTML; values behind blobs are never fetched for it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from datajoint.expression.algebra import is_ordered, key_order
from datajoint.expression.compile import compile_count
from datajoint.expression.fetch import fetch_rows
from datajoint.expression.nodes import Limit, Project
from datajoint.heading import Attribute

if TYPE_CHECKING:
    from datajoint.expression.expression import QueryExpression

_STYLE = """<style>
.dj-preview{overflow-x:auto;max-width:100%}
.dj-preview table{border-collapse:collapse;font-size:.9em;color:inherit;background:transparent}
.dj-preview th,.dj-preview td{border:1px solid rgba(128,128,128,.35);padding:.25em .6em;text-align:left;white-space:nowrap;
max-width:28em;overflow:hidden;text-overflow:ellipsis}
.dj-preview th{background:rgba(128,128,128,.13);font-weight:500}
.dj-preview th .dj-key{font-weight:700;text-decoration:underline;text-underline-offset:.2em}
.dj-preview td.dj-number{text-align:right;font-variant-numeric:tabular-nums}
.dj-preview td.dj-dim{opacity:.6;font-style:italic}
.dj-preview p{margin:.3em 0;opacity:.75}
@media (max-width:40em){.dj-preview table{font-size:.8em}.dj-preview th,.dj-preview td{padding:.15em .35em;max-width:14em}}
[data-jp-theme-light="false"] .jp-RenderedSVG img{color-scheme:dark}
[data-jp-theme-light="true"] .jp-RenderedSVG img{color-scheme:light}
</style>"""

# Beyond so many rows nobody waits for their exact number: counting further costs as much as the query itself.
COUNTED = 1_000_000
_DIGITS = 7  # of a float in HTML; the cell's title has them all
_CHARACTERS, _TITLE_CHARACTERS = 200, 1000


class Preview(NamedTuple):
    """The first rows: attributes, shown values, whether more exist, and the total (empty if not counted)."""

    attributes: list[Attribute]
    rows: list[tuple[Any, ...]]
    more: bool
    total: str


def placeholder(attribute: Attribute) -> str | None:
    """Return what stands for a value that is not fetched, or None for one that is."""
    if attribute.codec is not None:
        return attribute.type if attribute.type.startswith("<") else f"<{attribute.type}>"
    if attribute.json:
        return "json"
    return "bytes" if attribute.is_blob else None


def load_preview(expression: QueryExpression, limit: int | None = None) -> Preview:
    """Fetch one row more than is shown, in the expression's own order or by key."""
    connection, node = expression.connection, expression._node
    settings = connection.settings.display
    limit = settings.limit if limit is None else limit
    attributes = list(node.heading.attributes.values())
    shown = [a.name for a in attributes if placeholder(a) is None]
    if is_ordered(node):
        # One row more than shown, of the rows that the Top selected.
        node = Limit(node, _order(node), limit + 1, 0, node.heading)
    else:
        node = Limit(node, key_order(node.heading), limit + 1, 0, node.heading)
    fetched = fetch_rows(connection, node, shown)
    rows = []
    for values in fetched:
        value = dict(zip(shown, values, strict=False))
        rows.append(tuple(value[a.name] if a.name in value else placeholder(a) for a in attributes))
    total = _total(expression, rows, limit) if settings.show_tuple_count else ""
    return Preview(attributes, rows[:limit], len(rows) > limit, total)


def _total(expression: QueryExpression, rows: list[Any], limit: int) -> str:
    if len(rows) <= limit:
        return str(len(rows))
    connection = expression.connection
    counted = compile_count(expression._node, connection.backend, COUNTED + 1)
    count = int(connection.execute(counted, (expression._node, None)).rows[0][0])
    return str(count) if count <= COUNTED else f"more than {COUNTED:,}"


def _order(node: Any) -> Any:
    """Return the order of a limited expression under the names that its projections gave."""
    names: list[dict[str, str]] = []
    while isinstance(node, Project):
        names.append({c.origin: c.name for c in node.columns if c.origin})
        node = node.source
    order = node.order
    for mapping in reversed(names):
        if any(item.name not in mapping for item in order):
            return ()  # an attribute of the order was dropped: the rows as they come
        order = tuple(type(item)(mapping[item.name], item.descending) for item in order)
    return order


def preview_text(expression: QueryExpression, limit: int | None, width: int | None) -> str:
    """Return the preview as text: names with ``*`` for keys, rulers, rows, and the total."""
    width = expression.connection.settings.display.width if width is None else width
    preview = load_preview(expression, limit)
    names = [("*" if a.in_key else "") + a.name for a in preview.attributes]
    texts = [[_one_line(v, width - 2) for v in row] for row in preview.rows]
    widths = [min(max([len(name), *(len(t[i]) for t in texts)]) + 4, width) for i, name in enumerate(names)]
    cells = [_line(names, widths), " ".join("+" + "-" * (w - 2) + "+" for w in widths)]
    cells += [_line(row, widths) for row in texts]
    if preview.more:
        cells.append("   ...")
    if preview.total:
        cells.append(f" (Total: {preview.total})")
    return "\n".join(cells) + "\n"


def _line(cells: list[str], widths: list[int]) -> str:
    return " ".join(f"{c:<{w}}"[:w] for c, w in zip(cells, widths, strict=True))


def _one_line(value: Any, room: int) -> str:
    if isinstance(value, float) and len(str(value)) > room:
        # Cut off, 1.4e-15 would lose its exponent and read as 1.4.
        return f"{value:.{_DIGITS}g}"
    return str(value).replace("\n", "↵").replace("\r", "").replace("\t", " ")


def preview_html(expression: QueryExpression) -> str:
    """Return the preview as HTML that follows the page's light or dark colours; every value is escaped."""
    preview = load_preview(expression)
    head = "".join(
        f'<th scope="col" title="{escape(_title(a))}"><span class="{"dj-key" if a.in_key else "dj-secondary"}">{escape(a.name)}</span></th>'
        for a in preview.attributes
    )
    body = "".join(
        "<tr>" + "".join(_cell(a, v) for a, v in zip(preview.attributes, row, strict=True)) + "</tr>"
        for row in preview.rows
    )
    foot = ("<p>...</p>" if preview.more else "") + (f"<p>Total: {preview.total}</p>" if preview.total else "")
    return (
        f'{_STYLE}<div class="dj-preview"><table border="1" class="Table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>{foot}</div>"
    )


def _title(attribute: Attribute) -> str:
    return f"{attribute.declared_type}: {attribute.comment}" if attribute.comment else attribute.declared_type


def _cell(attribute: Attribute, value: Any) -> str:
    if value is None or placeholder(attribute) is not None:
        return f'<td class="dj-dim">{escape(str(value))}</td>'
    full = str(value)
    shown = f"{value:.{_DIGITS}g}" if isinstance(value, float) else full
    if len(shown) > _CHARACTERS:
        shown = shown[: _CHARACTERS - 1] + "…"
    number = ' class="dj-number"' if attribute.value_type.is_number else ""
    # 20.5 and 20.500000 need no second reading
    same = shown == full or (isinstance(value, float) and float(shown) == value)
    title = "" if same else f' title="{escape(full[:_TITLE_CHARACTERS])}"'
    return f"<td{number}{title}>{escape(shown)}</td>"
