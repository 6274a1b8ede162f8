"""What MATLAB's cell and struct arrays are in Python. They add nothing to their bases but their name."""

from __future__ import annotations

from typing import Any

import numpy as np


class MatCell(np.ndarray[Any, np.dtype[np.object_]]):
    """A cell array: an array of any objects, made by ``array.view(MatCell)``."""


class MatStruct(np.recarray[Any, np.dtype[np.void]]):
    """A struct array: records whose fields hold any objects, made by ``records.view(MatStruct)``."""
