"""What a column holds, in a few numbers and bars that the database computes; each bar can become a filter."""

from __future__ import annotations

import datetime
import math
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import datajoint as dj
from datajoint.errors import TimeLimitError
from datajoint.expression import QueryExpression
from datajoint.heading import Attribute
from datajoint_jupyter.conditions import Between, Compare, Condition, Group, page_state
from datajoint_jupyter.display.values import kind_of, text_of

SECONDS = 2.0
"""How long one statement of a summary may take."""

SAMPLED = 50_000
"""Rows looked at where all of them take too long."""

_BINS = 30
_TOP = 10
_LONGEST = 300
_DAY = 86_400
# Widths of bars over time, in seconds; beyond, whole numbers of years.
_SPANS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200]
_DAYS = [1, 2, 7, 14, 28, 91, 182, 365]
_COUNT, _BIN = "dj_count", "dj_bin"


@dataclass(frozen=True, slots=True)
class Bar:
    """Rows with one value, or with values of one range.

    Attributes
    ----------
    label : str
    count : int
    condition : Condition or None
        What only these rows meet; None where values are too long to be compared.
    low, high : str
        Ends of a range as the page sends them back; empty for single values.
    open : bool
        Whether `high` itself belongs to the next range.
    """

    label: str
    count: int
    condition: Condition | None
    low: str = ""
    high: str = ""
    open: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """A column in short.

    Attributes
    ----------
    name : str
    rows, missing : int
        Of the rows looked at.
    distinct : int or None
        None if counting them takes too long.
    low, high : str or None
        Smallest and largest value.
    bars : tuple of Bar
        A histogram, or the most frequent values.
    histogram : bool
    sampled : bool
        Whether only the first rows were looked at.
    """

    name: str
    rows: int
    missing: int
    distinct: int | None
    low: str | None
    high: str | None
    bars: tuple[Bar, ...]
    histogram: bool
    sampled: bool = False

    def state(self) -> dict[str, Any]:
        """Return what the page draws."""
        return {
            "name": self.name,
            "rows": self.rows,
            "missing": self.missing,
            "distinct": self.distinct,
            "low": self.low,
            "high": self.high,
            "histogram": self.histogram,
            "sampled": self.sampled,
            "bars": [
                {
                    "label": bar.label,
                    "count": bar.count,
                    "condition": None if bar.condition is None else page_state(bar.condition),
                    "low": bar.low,
                    "high": bar.high,
                    "open": bar.open,
                }
                for bar in self.bars
            ],
        }


def summarise(expression: QueryExpression, name: str, *, seconds: float = SECONDS, sample: int = SAMPLED) -> Summary:
    """Return a summary of an attribute over the rows of an expression.

    Parameters
    ----------
    expression : QueryExpression
    name : str
        An attribute that is neither binary nor behind a codec.
    seconds : float
        How long one statement may take; what takes longer is asked of the first `sample` rows instead.
    sample : int

    Raises
    ------
    DataJointError
        If even the first rows take too long, or the database refuses.
    """
    try:
        return _summary(_Question(expression.proj(name), expression.heading[name], seconds), sampled=False)
    except TimeLimitError:
        rows = (expression & dj.Top(sample, [])).proj(name)
        return _summary(_Question(rows, expression.heading[name], seconds), sampled=True)


def _summary(question: _Question, *, sampled: bool) -> Summary:
    facts = question.facts()
    low, high = facts["dj_low"], facts["dj_high"]
    rows, filled = int(facts[_COUNT]), int(facts["dj_filled"])
    histogram = question.bins(low, high) if filled else None
    return Summary(
        name=question.name,
        rows=rows,
        missing=rows - filled,
        bars=question.values() if histogram is None else question.bars(histogram),
        distinct=question.distinct(),
        low=text_of(low),
        high=text_of(high),
        histogram=histogram is not None,
        sampled=sampled,
    )


@dataclass(frozen=True, slots=True)
class _Bins:
    """Ranges of equal width: of numbers, or of seconds since `start`."""

    start: Any
    width: Decimal
    count: int
    sql: str

    def edge(self, index: int) -> Any:
        if isinstance(self.start, int):
            return self.start + index * int(self.width)
        if isinstance(self.start, Decimal):
            return self.start + index * self.width
        return self.start + datetime.timedelta(seconds=int(index * self.width))


class _Question:
    """The statements of one summary."""

    def __init__(self, rows: QueryExpression, attribute: Attribute, seconds: float) -> None:
        self.rows, self.attribute, self.seconds = rows, attribute, seconds
        self.name = attribute.name
        self.kind = attribute.value_type.kind

    def _limited(self) -> AbstractContextManager[Any]:
        return self.rows.connection.time_limit(self.seconds)

    def facts(self) -> dict[str, Any]:
        name = f"`{self.name}`"
        wanted: dict[str, Any] = {_COUNT: "count(*)", "dj_filled": f"count({name})"}
        ordered = self.kind not in {"bool", "uuid"}
        if ordered:  # no engine has a smallest of these
            wanted |= {"dj_low": f"min({name})", "dj_high": f"max({name})"}
        with self._limited():
            row = dj.U().aggr(self.rows, **wanted).fetch1()
        return {"dj_low": None, "dj_high": None, **row}

    def distinct(self) -> int | None:
        try:
            with self._limited():
                return int(dj.U().aggr(self.rows, dj_count=f"count(distinct `{self.name}`)").fetch1(_COUNT))
        except TimeLimitError:
            return None

    def values(self) -> tuple[Bar, ...]:
        """Return the most frequent values."""
        filled = self.rows & f"`{self.name}` IS NOT NULL"
        order = [f"{_COUNT} DESC", self.name]
        with self._limited():
            found = (dj.U(self.name).aggr(filled, dj_count="count(*)") & dj.Top(_TOP, order)).to_dicts()
        return tuple(_value_bar(self.attribute, row[self.name], int(row[_COUNT])) for row in found)

    def bins(self, low: Any, high: Any) -> _Bins | None:
        """Return how to cut the range of values, or None where single values say more."""
        if kind_of(self.attribute) == "number" and isinstance(low, int | float | Decimal) and low != high:
            return _number_bins(self.name, low, high)
        if isinstance(low, datetime.datetime) and low.tzinfo is None and low != high:
            return _time_bins(self.name, low, high)
        if isinstance(low, datetime.date) and not isinstance(low, datetime.datetime) and low != high:
            return _day_bins(self.name, low, high)
        return None

    def bars(self, bins: _Bins) -> tuple[Bar, ...]:
        filled = (self.rows & f"`{self.name}` IS NOT NULL").proj(dj_bin=bins.sql)
        with self._limited():
            grouped = dj.U(_BIN).aggr(filled, dj_count="count(*)") & dj.Top(10 * _BINS, [_BIN])
            found = {int(row[_BIN]): int(row[_COUNT]) for row in grouped.to_dicts() if _is_finite(row[_BIN])}
        # Rounding may put the largest value one bar too far.
        extra = sum(count for index, count in found.items() if index >= bins.count)
        counts = [found.get(index, 0) for index in range(bins.count)]
        counts[-1] += extra
        return tuple(_range_bar(self.name, self.kind, bins, index, count) for index, count in enumerate(counts))


def _is_finite(value: Any) -> bool:
    return value is not None and math.isfinite(value)


def _value_bar(attribute: Attribute, value: Any, count: int) -> Bar:
    label = text_of(value, _LONGEST) or ""
    exact = text_of(value, 10 * _LONGEST) or ""
    plain = value if isinstance(value, bool | int | float | str) else exact
    # A float that was rounded on its way does not compare with itself.
    compared = len(exact) < 10 * _LONGEST and attribute.value_type.kind != "float32"
    return Bar(label, count, Compare(attribute.name, "=", plain) if compared else None)


def _number_bins(name: str, low: Any, high: Any) -> _Bins | None:
    if not (math.isfinite(low) and math.isfinite(high)):
        return None
    whole = isinstance(low, int) and isinstance(high, int)
    lowest, highest = Decimal(str(low)), Decimal(str(high))
    width = _round_width((highest - lowest) / _BINS)
    if whole:
        width = max(Decimal(1), width)
    start = (lowest / width).to_integral_value("ROUND_FLOOR") * width
    count = int(((highest - start) / width).to_integral_value("ROUND_FLOOR")) + 1
    if whole:
        # Integers beyond what a double holds are exact only after the subtraction.
        return _Bins(int(start), width, count, f"floor((`{name}` - {int(start)}) / {width:f})")
    first = int(start / width)
    # Multiplied by a whole number, decimal fractions stay on the side of the edge where they are.
    scaled = f"`{name}` * {1 / width:f}" if width < 1 else f"`{name}` / {width:f}"
    return _Bins(start, width, count, f"floor({scaled}) - {first}")


def _round_width(width: Decimal) -> Decimal:
    """Return the next larger width that people count in: 1, 2 or 5 times a power of ten."""
    power = Decimal(1).scaleb(width.adjusted())
    return next(step * power for step in map(Decimal, (1, 2, 5, 10)) if step * power >= width)


def _time_bins(name: str, low: datetime.datetime, high: datetime.datetime) -> _Bins:
    width = _span((high - low).total_seconds() / _BINS)
    midnight = low.replace(hour=0, minute=0, second=0, microsecond=0)
    start = midnight + datetime.timedelta(seconds=(low - midnight).total_seconds() // width * width)
    count = int((high - start).total_seconds() // width) + 1
    sql = f"floor(timestampdiff(second, '{start.isoformat(sep=' ')}', `{name}`) / {width})"
    return _Bins(start, Decimal(width), count, sql)


def _day_bins(name: str, low: datetime.date, high: datetime.date) -> _Bins:
    width = max(_DAY, _span((high - low).days * _DAY / _BINS))
    days = width // _DAY
    count = (high - low).days // days + 1
    return _Bins(low, Decimal(width), count, f"floor(datediff(`{name}`, '{low.isoformat()}') / {days})")


def _span(least: float) -> int:
    years = 365 * _DAY
    widths = [*_SPANS, *(days * _DAY for days in _DAYS)]
    return next((width for width in widths if width >= least), years * math.ceil(least / years))


def _range_bar(name: str, kind: str, bins: _Bins, index: int, count: int) -> Bar:
    low, high = bins.edge(index), bins.edge(index + 1)
    if isinstance(low, int):  # the last of the whole numbers before the next range
        last = int(high) - 1
        return Bar(
            f"{low:,} to {last:,}" if last > low else f"{low:,}", count, Between(name, low, last), str(low), str(last)
        )
    if isinstance(low, datetime.date) and not isinstance(low, datetime.datetime):
        last_day = high - datetime.timedelta(days=1)
        texts = low.isoformat(), last_day.isoformat()
        return Bar(" to ".join(dict.fromkeys(texts)), count, Between(name, *texts), texts[0], texts[1])
    texts = (f"{low:f}", f"{high:f}") if isinstance(low, Decimal) else (low.isoformat(sep=" "), high.isoformat(sep=" "))
    ends: tuple[Any, Any] = texts if kind not in {"float32", "float64"} else (float(texts[0]), float(texts[1]))
    condition = Group("and", (Compare(name, ">=", ends[0]), Compare(name, "<", ends[1])))
    return Bar(f"{texts[0]} to {texts[1]}", count, condition, texts[0], texts[1], open=True)
