"""Digests of what a `make` read: equal for equal rows, whatever their order where it does not count."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from uuid import UUID

import numpy as np
import pytest

from datajoint.autopopulate.reads import LARGE, Digest
from datajoint.backends.base import RawResult, Request
from datajoint.values.model import FLOAT
from datajoint.values.parse import parse_type


def digest(rows, *types, ordered=False, columns=False):
    request = Request("SELECT", (), [t if not isinstance(t, str) else parse_type(t) for t in types] or None, columns)
    return Digest(request, ordered=ordered).of(RawResult((), rows, len(rows)))


def test_the_order_of_rows_counts_only_where_it_was_asked_for():
    one, other = [(1, "a"), (2, "b")], [(2, "b"), (1, "a")]
    assert digest(one, "int32", "varchar(9)") == digest(other, "int32", "varchar(9)")
    assert digest(one, "int32", "varchar(9)", ordered=True) != digest(other, "int32", "varchar(9)", ordered=True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([(1, None)], [(1, "None")]),
        ([("a\nb",)], [("a",), ("b",)]),
        ([(1,)], [(1.0,)]),
        ([(1,), (1,)], [(1,)]),
        ([("1",)], [(1,)]),
        ([(b"a",)], [("a",)]),
        ([(Decimal("1.0"),)], [(Decimal("1.00"),)]),
        ([(dt.datetime(2020, 1, 1),)], [(dt.date(2020, 1, 1),)]),
        ([(UUID(int=1),)], [(UUID(int=2),)]),
        ([(b"x" * (LARGE + 1),)], [(b"x" * (LARGE + 2),)]),
        ([], [()]),
    ],
)
def test_other_rows_have_another_digest(one, other):
    assert digest(one) != digest(other)


def test_large_values_enter_by_their_own_digest():
    from hashlib import sha256

    large = b"x" * (LARGE + 1)
    assert digest([(1, large)], "int32", "bytes") == digest([(1, sha256(large).digest())], "int32", "bytes")
    small = b"x" * LARGE
    assert digest([(1, small)], "int32", "bytes") != digest([(1, sha256(small).digest())], "int32", "bytes")


def test_sums_may_differ_in_their_last_digits():
    assert digest([(0.1 + 0.2,)], FLOAT) == digest([(0.3,)], FLOAT)
    assert digest([(0.1 + 0.2,)], "float64") != digest([(0.3,)], "float64")
    assert digest([(1.00000001,)], FLOAT) != digest([(1.0,)], FLOAT)


def test_columns_have_the_digest_of_their_rows():
    moments = np.array(["2020-01-01", "2021-01-01"], dtype="datetime64[us]")
    one = digest([[1, 2], moments], "int32", "datetime(6)", columns=True)
    assert one == digest([[2, 1], moments[::-1]], "int32", "datetime(6)", columns=True)
    assert one != digest([[1, 2], moments[::-1]], "int32", "datetime(6)", columns=True)
