"""What is shown of a single value: bounded, and never more than it is."""

from __future__ import annotations

import base64
import math
import struct
import xml.etree.ElementTree as ET
import zlib

import numpy as np
import pandas as pd
import pytest

from datajoint_jupyter.display.content import MAX_CHARACTERS, MAX_IMAGE, bytes_text, content_of
from datajoint_jupyter.display.plot import POINTS, line_svg, png


def path_of(svg):
    return ET.fromstring(svg).find("{http://www.w3.org/2000/svg}path").get("d")


def test_a_line_is_small_however_long_the_array():
    svg = line_svg(np.sin(np.arange(1_000_000) / 1000).tolist())
    assert len(svg) < 40_000
    assert path_of(svg).count("L") + path_of(svg).count("M") <= 2 * POINTS


def test_a_spike_survives_the_thinning():
    values = [0.0] * 100_000
    values[54_321] = 7.0
    heights = [float(point.split(" ")[1]) for point in path_of(line_svg(values)).replace("M", "L").split("L")[1:]]
    assert min(heights) < 10 < max(heights)


@pytest.mark.parametrize(
    "values", [[], [1.0], [2.0, 2.0], [math.nan, math.nan], [math.inf, 1.0, -math.inf, 3.0], [1e308, -1e308]]
)
def test_any_values_can_be_drawn(values):
    assert "nan" not in path_of(line_svg(values))
    assert "inf" not in path_of(line_svg(values))


def test_gaps_where_values_are_not_finite():
    assert path_of(line_svg([1.0, math.nan, 2.0, 3.0])).count("M") == 2


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pixels_come_back_from_the_file(channels):
    rows = [bytes(range(row, row + 5 * channels)) for row in range(4)]
    file = png(rows, 5, channels)
    assert struct.unpack(">II", file[16:24]) == (5, 4)
    start = file.index(b"IDAT") + 4
    length = struct.unpack(">I", file[start - 8 : start - 4])[0]
    assert zlib.decompress(file[start : start + length]) == b"".join(b"\0" + row for row in rows)


@pytest.mark.parametrize(
    ("value", "title", "image"),
    [
        (None, "missing value", ""),
        (np.arange(5), "int64 array, 5, 40 bytes", "data:image/svg+xml"),
        (np.arange(12.0).reshape(3, 4), "float64 array, 3 × 4, 96 bytes", "data:image/png"),
        (np.zeros((8, 9, 3), "uint8"), "uint8 array, 8 × 9 × 3, 216 bytes", "data:image/png"),
        (np.zeros((2, 2, 2, 2)), "float64 array, 2 × 2 × 2 × 2, 128 bytes", ""),
        (np.full((2, 3), np.nan), "float64 array, 2 × 3, 48 bytes", "data:image/png"),
        (np.array(3.5), "float64 array, one number, 8 bytes", ""),
        (np.array([]), "float64 array, 0, 0 bytes", ""),
        (np.array(["a", "b"]), "<U1 array, 2, 8 bytes", ""),
        (np.array([1 + 2j]), "complex128 array, 1, 16 bytes", ""),
        (np.array([True, False]), "bool array, 2, 2 bytes", "data:image/svg+xml"),
        ("<script>", "text, 8 characters", ""),
        ({"a": np.arange(2)}, "dict, 1 item", ""),
        ([1, 2], "list, 2 items", ""),
        (b"\x89PNG\r\n\x1a\n...", "11 bytes", "data:image/png"),
        (b"<svg onload='x'>", "16 bytes", ""),
        (pd.DataFrame({"a": range(100)}), "DataFrame, 100 rows", ""),
        (12, "int", ""),
    ],
)
def test_kinds_of_values(value, title, image):
    content = content_of(value)
    assert content.title == title
    assert content.image.startswith(image) if image else content.image == ""
    assert len(content.text) <= MAX_CHARACTERS


def test_large_values_are_cut():
    assert len(content_of("x" * 10**6).text) == MAX_CHARACTERS
    assert len(content_of({"a": "x" * 10**6}).text) == MAX_CHARACTERS
    assert content_of(b"\xff\xd8\xff" + b"0" * MAX_IMAGE).image == ""
    large = content_of(np.random.default_rng(0).random((3000, 2000)))
    assert len(large.image) < 1_000_000
    width, height = struct.unpack(">II", base64.b64decode(large.image.partition(",")[2])[16:24])
    assert (width, height) == (500, 500)


def test_a_file_is_told_by_its_contents(tmp_path):
    picture = tmp_path / "a.txt"
    picture.write_bytes(png([b"\0"], 1, 1))
    content = content_of(picture)
    assert content.path == str(picture)
    assert content.image.startswith("data:image/png")
    gone = content_of(tmp_path / "gone.png")
    assert (gone.title, gone.image) == ("file, 0 bytes", "")
    assert content_of(str(picture)).path == ""  # a text that happens to name a file is a text


def test_sizes():
    assert [bytes_text(n) for n in (0, 999, 1000, 20_000_000, 3 * 10**9, 10**13)] == [
        "0 bytes", "999 bytes", "1.0 kB", "20.0 MB", "3.0 GB", "10000.0 GB",
    ]  # fmt: skip
