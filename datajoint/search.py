"""Find tables and attributes by words in their names, comments and enum labels."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from datajoint.class_names import class_paths
from datajoint.declare.stored import read_heading
from datajoint.errors import DataJointError
from datajoint.naming import did_you_mean
from datajoint.singleton import conn

if TYPE_CHECKING:
    from datajoint.connection import Connection
    from datajoint.heading import Heading

# How much a word's place counts: as a whole name, a word of it, the beginning of one, a piece; then in prose, in labels.
_WHOLE, _WORD, _BEGINNING, _PIECE, _PROSE, _LABEL = 10.0, 6.0, 4.0, 2.0, 1.5, 3.0
# A hit in a table is worth more than the same in an attribute, most where that was first declared.
_TABLE, _ORIGIN, _KEY, _ATTRIBUTE = 1.2, 1.1, 1.05, 1.0
_PROSE_PIECE = 0.5
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Hit:
    """One table or attribute that was found.

    Attributes
    ----------
    schema, table : str
        Names in the database.
    path : str
        The class's path, such as ``Session.Trial``, or the table's name where no class has it.
    attribute : str or None
        None where the table itself was found.
    type : str
        Of the attribute, as declared; empty for a table.
    comment : str
    score : float
        The higher, the better it fits.
    """

    schema: str
    table: str
    path: str
    attribute: str | None
    type: str
    comment: str
    score: float

    @property
    def name(self) -> str:
        """``schema.Class`` or ``schema.Class.attribute``."""
        return ".".join(filter(None, (self.schema, self.path, self.attribute)))


class SearchResult(Sequence[Hit]):
    """What a search found, best first.

    Attributes
    ----------
    text : str
        What was looked for.
    hint : str
        The nearest name where nothing was found.
    """

    def __init__(self, text: str, hits: Iterable[Hit], hint: str = "") -> None:
        self.text, self.hint = text, hint
        self._hits = tuple(hits)

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Hit, ...]: ...
    def __getitem__(self, index: int | slice) -> Hit | tuple[Hit, ...]:
        return self._hits[index]

    def __len__(self) -> int:
        return len(self._hits)

    def _nothing(self) -> str:
        return f"Nothing matches {self.text!r}. {self.hint}".rstrip()

    def _more(self) -> str:
        return f"… and {len(self) - _SHOWN} more" if len(self) > _SHOWN else ""

    def __repr__(self) -> str:
        if not self:
            return self._nothing()
        shown = self[:_SHOWN]
        names = max(len(hit.name) for hit in shown)
        types = min(max(len(hit.type) for hit in shown), 30)
        lines = [
            f"{hit.name:<{names}}  {shorten_text(hit.type, 30):<{types}}  {shorten_text(hit.comment, 80)}".rstrip()
            for hit in shown
        ]
        return "\n".join([*lines, *filter(None, [self._more()])])

    def _repr_html_(self) -> str:
        if not self:
            return f"<p>{html.escape(self._nothing())}</p>"
        rows = "".join(
            f"<tr><td><code>{html.escape(hit.schema)}</code></td><td>{html.escape(hit.path)}</td>"
            f"<td>{html.escape(hit.attribute or '')}</td><td><code>{html.escape(shorten_text(hit.type, 60))}</code></td>"
            f"<td>{html.escape(hit.comment)}</td></tr>"
            for hit in self[:_SHOWN]
        )
        head = "".join(f"<th>{title}</th>" for title in ("schema", "table", "attribute", "type", "comment"))
        more = f"<p>{html.escape(self._more())}</p>" if self._more() else ""
        return f'<table class="datajoint-search"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{more}'


def search(
    text: str, *, connection: Connection | None = None, schemas: str | Iterable[str] | None = None
) -> SearchResult:
    """Find tables and attributes by words in names, comments and enum labels.

    Parameters
    ----------
    text : str
        Words, all of which must be found in one table: in its name or comment, or those of an attribute. Case and
        underscores do not matter.
    connection : Connection, optional
        The shared one by default.
    schemas : str or iterable of str, optional
        Names of the schemas to look in; all by default.

    Returns
    -------
    SearchResult
        Hits, best first; shows itself as text and in notebooks.

    Raises
    ------
    DataJointError
        If `text` has no word.

    Examples
    --------
    >>> dj.search("mouse weight")  # doctest: +SKIP
    """
    words = _words(text)
    if not words:
        raise DataJointError("There is nothing to search for.", hint="Give a word of a name, comment or enum label.")
    link = connection or conn()
    wanted = link.backend.schema_names(link.execute) if schemas is None else schemas
    hits: list[Hit] = []
    names: set[str] = set()
    for schema, catalog in link.catalogs([wanted] if isinstance(wanted, str) else wanted).items():
        paths = class_paths(catalog.tables)
        for table, info in catalog.tables.items():
            if not table.startswith("~"):
                heading = read_heading(info, catalog, link.catalog)
                names.update({paths.get(table, table), *heading.names})
                hits += _hits_of(words, schema, table, paths.get(table, table), heading)
    hits.sort(key=lambda hit: (-hit.score, hit.name))
    return SearchResult(text, hits, "" if hits else did_you_mean(text, names))


def _hits_of(words: Sequence[str], schema: str, table: str, path: str, heading: Heading) -> Iterator[Hit]:
    """Yield what of one table matches: words may be spread over the table and one of its attributes."""
    own = [_score(word, path, heading.table_comment, ()) for word in words]
    if all(own):
        yield Hit(schema, table, path, None, "", heading.table_comment, _TABLE * sum(own))
    for a in heading.attributes.values():
        scores = [_score(word, a.name, a.comment, a.value_type.labels) for word in words]
        # A word that only the table has counts little here, and one at least must be the attribute's own.
        if any(scores) and all(map(max, scores, own)):
            weight = _ORIGIN if a.lineage == f"{schema}.{table}.{a.name}" else _KEY if a.in_key else _ATTRIBUTE
            total = sum(score or inherited / 4 for score, inherited in zip(scores, own, strict=True))
            yield Hit(schema, table, path, a.name, a.declared_type, a.comment, weight * total)


def _score(word: str, name: str, comment: str, labels: Sequence[str]) -> float:
    parts = _words(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name))
    if word == "_".join(parts) or word == name.lower():
        return _WHOLE
    if word in parts:
        return _WORD
    if any(part.startswith(word) for part in parts):
        return _BEGINNING
    if any(word == label.lower() for label in labels):
        return _LABEL
    if word in name.lower():
        return _PIECE
    prose = _words(" ".join((comment, *labels)))
    if word in prose:
        return _PROSE
    return _PROSE_PIECE if any(word in piece for piece in prose) else 0.0


def _words(text: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[^\W_]+", text)]


def shorten_text(text: str, width: int) -> str:
    """Return one line of `text`, cut to `width` characters with an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"
