"""DataJoint in notebooks: the magics ``%dj`` and ``%%dj``, and what they show: browser, populate, forms, delete plans.

``%load_ext datajoint_jupyter`` makes the magics known. The functions here do from Python what they do.
"""

from __future__ import annotations

from datajoint_jupyter.actions import browse, delete_view, insert_form, populate
from datajoint_jupyter.extension import load_ipython_extension, unload_ipython_extension

__all__ = [
    "browse",
    "delete_view",
    "insert_form",
    "load_ipython_extension",
    "populate",
    "unload_ipython_extension",
]
