"""Numbers as a small picture: pure functions, without a plotting library."""

from __future__ import annotations

import itertools
import math
import struct
import zlib
from collections.abc import Sequence

WIDTH, HEIGHT = 360, 120
POINTS = 720
"""Points drawn of a line; more are drawn as the smallest and largest of their neighbourhood."""

_INK, _FRAME = "#3b82c4", "#8a8f98"  # seen on white and on black


def line_svg(values: Sequence[float]) -> str:
    """Return a line through equally spaced values as an SVG document; gaps where values are not finite.

    Examples
    --------
    >>> line_svg([0.0, 1.0])[:4]
    '<svg'
    """
    spans = _spans(values)
    finite = [value for span in spans for value in span if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    scale = (HEIGHT - 8) / (high - low) if high > low and math.isfinite(high - low) else 0.0
    step = WIDTH / max(1, len(spans) - 1)
    parts: list[str] = []
    pen_down = False
    for index, span in enumerate(spans):
        for value in span:
            if not math.isfinite(value):
                pen_down = False
                continue
            y = HEIGHT - 4 - (value - low) * scale if scale else HEIGHT / 2
            parts.append(f"{'L' if pen_down else 'M'}{index * step:.1f} {y:.1f}")
            pen_down = True
    path = f'<path d="{"".join(parts)}" fill="none" stroke="{_INK}" stroke-width="1.5" stroke-linecap="round"/>'
    frame = f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" fill="none" stroke="{_FRAME}"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}">{frame}{path}</svg>'
    )


def _spans(values: Sequence[float]) -> list[tuple[float, ...]]:
    """Return the values one by one, or of each of `POINTS` stretches the smallest and the largest."""
    if len(values) <= POINTS:
        return [(value,) for value in values]
    edges = [index * len(values) // POINTS for index in range(POINTS + 1)]
    stretches = (values[start:end] for start, end in itertools.pairwise(edges))
    found: list[tuple[float, ...]] = []
    for stretch in stretches:
        finite = [value for value in stretch if math.isfinite(value)]
        found.append((min(finite), max(finite)) if finite else (math.nan,))
    return found


def png(rows: Sequence[bytes], width: int, channels: int) -> bytes:
    """Return rows of 8-bit pixels as a PNG file.

    Parameters
    ----------
    rows : sequence of bytes
        Each ``width * channels`` long.
    width : int
    channels : int
        1 for grey, 3 for red, green and blue, 4 with transparency.
    """
    kind = {1: 0, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, len(rows), 8, kind, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 6)
    chunks = (_chunk(b"IHDR", header), _chunk(b"IDAT", pixels), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
