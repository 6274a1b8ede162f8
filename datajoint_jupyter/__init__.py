"""DataJoint in notebooks: the magics ``%dj`` and ``%%dj``, and widgets that browse, restrict, draw, compute, enter and delete.

``%load_ext datajoint_jupyter`` makes the magics known; the functions do from Python what they do.
"""

from __future__ import annotations

from datajoint_jupyter.actions import browse, delete_view, diagram, insert_form, matrix, populate, restrict, watch
from datajoint_jupyter.extension import load_ipython_extension, unload_ipython_extension

__all__ = [
    "browse",
    "delete_view",
    "diagram",
    "insert_form",
    "load_ipython_extension",
    "matrix",
    "populate",
    "restrict",
    "unload_ipython_extension",
    "watch",
]
