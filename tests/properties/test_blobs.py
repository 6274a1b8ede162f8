"""Laws of the blob format: what is written is read, and whatever is read ends in a value or in our error, in little memory."""

from __future__ import annotations

import contextlib
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datajoint.codecs import CodecChain, CodecContext, blob_format
from datajoint.codecs.blob_format import pack, unpack
from datajoint.codecs.matlab import MatCell, MatStruct
from datajoint.errors import DataJointError
from tests.unit.test_blob_format import BLOBS, arrays, same, values

CONTEXT = CodecContext("lab", "session", "value")
BYTES_A_BYTE = 64  # what a value may take for a byte of its blob: sets and arrays that are empty take the most
OVERHEAD = 200_000


@given(values)
def test_the_law_of_codecs(value):
    chain = CodecChain.resolve("<blob>")
    stored = chain.encode(value, CONTEXT)
    assert stored is None if value is None else type(stored) is bytes
    assert same(chain.decode(stored, CONTEXT), value)


@given(values)
def test_what_is_read_is_written_as_it_was(value):
    packed = pack(value)
    again = pack(unpack(packed))
    # A set has no order of its own.
    assert again == packed or "{" in repr(value)
    assert same(unpack(again), value)


@given(arrays, st.booleans())
def test_where_memory_lies_makes_no_difference(array, reverse):
    other = np.asfortranarray(array)
    if reverse:
        other = np.flip(np.flip(other).copy())
    assert pack(other) == pack(array)


@given(st.lists(st.lists(values, max_size=3), min_size=1, max_size=3), st.booleans())
def test_cells_and_structs_come_back(fields, squeeze):
    count = min(map(len, fields))
    records = np.empty(count, [(f"f{n}", object) for n in range(len(fields))])
    cell = np.empty((count, len(fields)), object)
    for n, column in enumerate(fields):
        for row in range(count):
            records[f"f{n}"][row] = cell[row, n] = column[row]
    assert same(unpack(pack(records.view(MatStruct))), records.view(MatStruct))
    expected = cell.view(MatCell) if count else np.empty(0, object).view(MatCell)
    assert same(unpack(pack(cell.view(MatCell))), expected)
    unpack(pack(cell.view(MatCell)), squeeze=squeeze)


# --- damaged blobs
WORDS = [0, 1, 2, 9, 2**16, 2**31 - 1, 2**32 - 1, 2**40, 2**63, 2**64 - 1]
real = st.one_of(st.sampled_from(BLOBS), values.map(lambda value: pack(value, compress=False)))


@st.composite
def damaged(draw):
    """Draw a real blob with some of it changed, left out, doubled, or put elsewhere; perhaps compressed again."""
    data = bytearray(draw(real))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(len(data) - 1, 0)))
        span = slice(place, place + draw(st.integers(1, 24)))
        how = draw(st.sampled_from(["byte", "word", "add", "cut", "double", "splice", "truncate"]))
        if how == "byte" and data:
            data[place] = draw(st.integers(0, 255))
        elif how == "word":
            data[place : place + 8] = struct.pack("<Q", draw(st.sampled_from([*WORDS, len(data), len(data) + 1])))
        elif how == "add" and len(data) >= 8:  # one more or less than a length that is right
            word = slice(place, place + 8)
            number = int.from_bytes(data[word], "little") + draw(st.sampled_from([-1, 1, 8]))
            data[word] = (number % 2**64).to_bytes(8, "little")
        elif how == "cut":
            del data[span]
        elif how == "double":
            data[place:place] = data[span]
        elif how == "splice":
            data[span] = draw(real)[span]
        else:
            del data[place:]
    if draw(st.booleans()):
        claimed = len(data) + draw(st.sampled_from([0, 0, 0, 1, -1, 10**6]))
        return b"ZL123\0" + struct.pack("<Q", max(claimed, 0)) + zlib.compress(bytes(data))
    return bytes(data)


def ends_well(data, squeeze, words):
    inflated = len(data)
    with contextlib.suppress(zlib.error):
        inflated += len(zlib.decompress(data[10 if words else 14 :])) if data.startswith(b"ZL123\0") else 0
    blob_format.use_32bit_dims = words
    tracemalloc.start()
    try:
        with contextlib.suppress(DataJointError):
            unpack(data, squeeze=squeeze)
        assert tracemalloc.get_traced_memory()[1] <= BYTES_A_BYTE * inflated + OVERHEAD
    finally:
        tracemalloc.stop()
        blob_format.use_32bit_dims = False


@given(damaged(), st.booleans(), st.booleans())
@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_damaged_blobs_end_in_a_value_or_our_error(data, squeeze, words):
    ends_well(data, squeeze, words)


@pytest.mark.slow
@given(damaged(), st.booleans(), st.booleans())
@settings(max_examples=40_000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_many_damaged_blobs_end_in_a_value_or_our_error(data, squeeze, words):
    ends_well(data, squeeze, words)


@pytest.mark.parametrize("kind", ["zeros", "lists", "sets", "cells", "numbers"])
def test_bombs_take_memory_in_proportion_to_what_they_declare(kind):
    """A compressed blob may hold a thousand times its bytes, but no more than it says, and never without end."""
    count = 200_000
    empty = {
        "zeros": b"\x06" + struct.pack("<Q", 17 * count) + bytes(17 * count),
        "lists": b"\x02" + struct.pack("<Q", count) + (struct.pack("<QB", 9, 2) + bytes(8)) * count,
        "sets": b"\x02" + struct.pack("<Q", count) + (struct.pack("<QB", 9, 3) + bytes(8)) * count,
        "cells": b"\x02" + struct.pack("<Q", count) + struct.pack("<QBQQ", 17, 0x43, 1, 0) * count,
        "numbers": b"A" + struct.pack("<QQII", 1, 2 * count, 14, 0) + bytes(16 * count),
    }[kind]
    plain = b"dj0\0" + empty
    bomb = b"ZL123\0" + struct.pack("<Q", len(plain)) + zlib.compress(plain)
    tracemalloc.start()
    try:
        unpack(bomb)
        assert tracemalloc.get_traced_memory()[1] < 20 * len(plain) + OVERHEAD
        tracemalloc.reset_peak()
        for claim in (len(plain) - 1, len(plain) + 1, 2**50):
            with pytest.raises(DataJointError, match="Blob size mismatch"):
                unpack(b"ZL123\0" + struct.pack("<Q", claim) + bomb[14:])
        assert tracemalloc.get_traced_memory()[1] < 3 * len(plain) + OVERHEAD
    finally:
        tracemalloc.stop()
