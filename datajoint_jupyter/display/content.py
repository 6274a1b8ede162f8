"""A single value in full: what it is, and what can be seen of it."""

from __future__ import annotations

import base64
import json
import math
import pprint
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datajoint_jupyter.display.plot import line_svg, png
from datajoint_jupyter.display.values import text_of

MAX_CHARACTERS = 20_000
"""Longest text of a value that is shown."""

MAX_IMAGE = 2_000_000
"""Largest picture that is sent to the page, in bytes."""

_SIDE = 512  # pixels of a picture made from an array
_CELLS = 400  # numbers of an array that are written
_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
_COLOURS = {1, 3, 4}
_PLANE = 2


@dataclass(frozen=True, slots=True)
class Content:
    """What is shown of a value.

    Attributes
    ----------
    title : str
        Its kind, shape and size.
    text : str
        What it says, cut.
    image : str
        A ``data:image/…`` address, or empty.
    note : str
        Smallest and largest number, or what was left out.
    path : str
        Where its file is, for attachments.
    """

    title: str
    text: str = ""
    image: str = ""
    note: str = ""
    path: str = ""

    def state(self) -> dict[str, str]:
        """Return what the page draws."""
        return {"title": self.title, "text": self.text, "image": self.image, "note": self.note, "path": self.path}


def bytes_text(size: int) -> str:
    """Return a number of bytes for people.

    Examples
    --------
    >>> bytes_text(999), bytes_text(2_500_000)
    ('999 bytes', '2.5 MB')
    """
    amount, unit = float(size), "bytes"
    for larger in ("kB", "MB", "GB"):
        if amount < 1000:  # noqa: PLR2004 - of one unit in the next
            break
        amount, unit = amount / 1000, larger
    return f"{size:,} bytes" if unit == "bytes" else f"{amount:.1f} {unit}"


def content_of(value: Any) -> Content:
    """Return what is to be shown of a value of any kind."""
    if value is None:
        return Content("missing value")
    if hasattr(value, "dtype") and hasattr(value, "shape") and hasattr(value, "tolist"):
        return _of_array(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _of_bytes(bytes(value))
    if isinstance(value, Path):
        return _of_file(value)
    if isinstance(value, str):
        return Content(f"text, {len(value):,} characters", _cut(value))
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        kind = type(value).__name__
        return Content(f"{kind}, {len(value):,} item{'' if len(value) == 1 else 's'}", _structure(value))
    if hasattr(value, "to_string") and hasattr(value, "head"):  # a data frame
        return Content(f"{type(value).__name__}, {len(value):,} rows", _cut(str(value.head(20).to_string())))
    text = text_of(value, MAX_CHARACTERS)
    return Content(type(value).__name__, text or "")


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1] + "…"


def _structure(value: Any) -> str:
    try:
        return _cut(json.dumps(value, indent=2, ensure_ascii=False))
    except (TypeError, ValueError):  # arrays, dates, keys that are no texts
        return _cut(pprint.pformat(value, width=100))


def _of_file(path: Path) -> Content:
    size = path.stat().st_size if path.is_file() else 0
    return Content(
        f"file, {bytes_text(size)}", path=str(path), image=_image(path.read_bytes()) if 0 < size <= MAX_IMAGE else ""
    )


def _of_bytes(value: bytes) -> Content:
    start = value[:64].hex(" ")
    image = _image(value) if len(value) <= MAX_IMAGE else ""
    return Content(bytes_text(len(value)), "" if image else start + (" …" if len(value) > 64 else ""), image)  # noqa: PLR2004


def _image(value: bytes) -> str:
    """Return an address for bytes that are a picture; the name of a file proves nothing."""
    kind = next((kind for start, kind in _SIGNATURES.items() if value.startswith(start)), "")
    if value[:4] == b"RIFF" and value[8:12] == b"WEBP":
        kind = "image/webp"
    return _address(kind, value) if kind else ""


def _address(kind: str, value: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(value).decode('ascii')}"


# --- arrays
def _of_array(array: Any) -> Content:
    shape = " × ".join(f"{length:,}" for length in array.shape) or "one number"
    title = f"{array.dtype} array, {shape}, {bytes_text(int(array.nbytes))}"
    if array.dtype.kind not in "biuf":  # neither truth values nor real numbers
        return Content(title, _cut(str(array)))
    if not array.size:
        return Content(title, "empty")
    note = _extent(array)
    squeezed = array.squeeze()
    if squeezed.ndim == 1 and squeezed.size > 1:
        image = _address("image/svg+xml", line_svg(squeezed.astype("float64").tolist()).encode())
        return Content(title, _numbers(squeezed), image, note)
    pixels = _pixels(squeezed)
    if pixels is not None:
        return Content(title, "" if squeezed.size > _CELLS else _numbers(squeezed), _address("image/png", pixels), note)
    return Content(title, _numbers(array), note=note)


def _extent(array: Any) -> str:
    import numpy as np  # noqa: PLC0415 - the value is an array: it is loaded

    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    if not finite.size:
        return "no finite number"
    strange = int(array.size - finite.size)
    form = ".6g" if array.dtype.kind == "f" else ""
    note = f"smallest {finite.min():{form}}, largest {finite.max():{form}}"
    return note if not strange else f"{note}, {strange:,} not finite"


def _numbers(array: Any) -> str:
    import numpy as np  # noqa: PLC0415 - as above

    return _cut(np.array2string(array, threshold=_CELLS, edgeitems=6, max_line_width=100))


def _pixels(array: Any) -> bytes | None:
    """Return a plane of numbers, or a picture with its colours last, as a PNG file of a screen's size."""
    import numpy as np  # noqa: PLC0415 - as above

    coloured = array.ndim == _PLANE + 1 and array.shape[-1] in _COLOURS and array.dtype == np.uint8
    if array.ndim != _PLANE and not coloured:
        return None
    steps = [math.ceil(length / _SIDE) for length in array.shape[:2]]
    small = array[:: steps[0], :: steps[1]]
    if small.dtype != np.uint8:
        numbers = small.astype("float64")
        finite = np.isfinite(numbers)
        low, high = (numbers[finite].min(), numbers[finite].max()) if finite.any() else (0.0, 0.0)
        spread = (high - low) or 1.0
        small = np.where(finite, (numbers - low) / spread * 255, 0).clip(0, 255).astype(np.uint8)
    channels = small.shape[-1] if coloured else 1
    small = np.ascontiguousarray(small)
    return png([row.tobytes() for row in small], int(small.shape[1]), int(channels))
