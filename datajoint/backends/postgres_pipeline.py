"""Several short statements in one exchange with PostgreSQL, at a third of the cost of the driver's own pipeline.

What is sent is prepared under a name of its own, so that the server neither parses nor plans it again. Any statement of
the session may make the server forget these names, which it says before it does anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus

from datajoint.backends import postgres_values
from datajoint.backends.base import RawResult, Request
from datajoint.backends.link import wait_for
from datajoint.backends.postgres_link import are_short

if TYPE_CHECKING:
    from datajoint.backends.postgres_link import Link

FORGOTTEN = (psycopg.errors.InvalidSqlStatementName, psycopg.errors.FeatureNotSupported)
"""The server does not know a name any more, or not with columns of these types."""

_MOST_NAMES = 200
_MARK = re.compile(r"%([s%])")
_PREPARABLE = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


class _Ready(NamedTuple):
    """A statement as the server takes it, and what reads its answer."""

    text: str
    parameters: Sequence[Any] | None
    types: Sequence[int] | None
    formats: Sequence[Any] | None
    answer_format: int
    reader: Any

    @property
    def key(self) -> tuple[str, tuple[int, ...]]:
        """What a name stands for."""
        return self.text, tuple(self.types or ())


def can_exchange(requests: Sequence[Request]) -> bool:
    """Tell whether requests are short, and answered by rows."""
    return not any(request.columns for request in requests) and all(are_short(r.values) for r in requests)


def exchange(link: Link, requests: Sequence[Request], *, named: bool) -> list[RawResult]:
    """Send statements, then read the answers; after an error none is carried out.

    Parameters
    ----------
    named : bool
        Whether to use names: whoever does knows how to begin anew when the server has forgotten them.

    Raises
    ------
    psycopg.Error
        Of the first that failed.
    """
    conn, ready = link.pgconn, [_ready(link, request) for request in requests]
    try:
        conn.enter_pipeline_mode()
        names = [_send(link, one, named=named) for one in ready]
        conn.pipeline_sync()
        answers = iter(_read(conn))
        if conn.status == ConnStatus.OK:
            conn.exit_pipeline_mode()
    except BaseException:
        link.close()  # nobody knows how far it went
        raise
    return [_result(link, one, name, answers) for one, name in zip(ready, names, strict=True)]


def _ready(link: Link, request: Request) -> _Ready:
    values = request.values
    text = _numbered(request.text) if values else request.text
    reader = Transformer.from_context(link)
    parameters = reader.dump_sequence(values, [PyFormat.AUTO] * len(values)) if values else None
    types, formats = (reader.types, reader.formats) if values else (None, None)
    form = int(bool(request.types and postgres_values.binary(request.types)))
    return _Ready(text, parameters, types, formats, form, reader)


def _send(link: Link, ready: _Ready, *, named: bool) -> bytes | None:
    """Send a statement; return the name under which it is prepared with it, if it is."""
    conn, text, preparing = link.pgconn, ready.text, None
    name = link.names.get(ready.key)
    if not named or not text.startswith(_PREPARABLE) or (name is None and len(link.names) >= _MOST_NAMES):
        conn.send_query_params(text.encode(), ready.parameters, ready.types, ready.formats, ready.answer_format)
        return None
    if name is None:
        name = preparing = b"dj_%d" % next(_numbers)
        conn.send_prepare(name, text.encode(), ready.types)
    conn.send_query_prepared(name, ready.parameters, ready.formats, ready.answer_format)
    return preparing


_numbers = count()


@lru_cache(maxsize=512)
def _numbered(text: str) -> str:
    """Return a statement with the server's marks for values in place of the driver's."""
    numbers = count(1)
    return _MARK.sub(lambda mark: f"${next(numbers)}" if mark[1] == "s" else "%", text)


def _read(conn: Any) -> list[Any]:
    """Return all answers, up to where the server has come to the end of what was sent, or the link has."""
    answers: list[Any] = []
    while True:
        while conn.flush():
            wait_for(conn.socket, writable=True)
            conn.consume_input()
        if conn.is_busy():
            wait_for(conn.socket)
            conn.consume_input()
            continue
        answer = conn.get_result()
        if answer is None:
            if conn.status != ConnStatus.OK:
                return answers
        elif answer.status == ExecStatus.PIPELINE_SYNC:
            return answers
        else:
            answers.append(answer)


def _result(link: Link, ready: _Ready, name: bytes | None, answers: Iterator[Any]) -> RawResult:
    """Return the result of one statement, and keep the name that it was given.

    Raises
    ------
    psycopg.Error
        If it failed.
    """
    if name is not None:
        _checked(link, next(answers, None))
        link.names[ready.key] = name
    answer = _checked(link, next(answers, None))
    if answer.status != ExecStatus.TUPLES_OK:
        return RawResult((), [], answer.command_tuples or 0)
    ready.reader.set_pgresult(answer)
    names = tuple((answer.fname(n) or b"").decode() for n in range(answer.nfields))
    return RawResult(names, ready.reader.load_rows(0, answer.ntuples, tuple), answer.ntuples)


def _checked(link: Link, answer: Any) -> Any:
    if answer is None:
        raise psycopg.OperationalError("the connection was lost while several statements were carried out")
    if answer.status not in {ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK, ExecStatus.EMPTY_QUERY}:
        raise error_from_result(answer, link.info.encoding)
    return answer
