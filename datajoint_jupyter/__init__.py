"""DataJoint in notebooks: the magics ``%dj`` and ``%%dj``, a table browser, populate with a live view.

``%load_ext datajoint_jupyter`` makes the magics known. `browse` and `populate` do from Python what they do.
"""

from __future__ import annotations

from datajoint_jupyter.actions import browse, populate, watch
from datajoint_jupyter.extension import load_ipython_extension, unload_ipython_extension

__all__ = ["browse", "load_ipython_extension", "populate", "unload_ipython_extension", "watch"]
