"""DataJoint in notebooks: the magics ``%dj`` and ``%%dj``, a table browser, a restriction builder, populate with
a live view.

``%load_ext datajoint_jupyter`` makes the magics known. `browse`, `restrict` and `populate` do from
Python what they do.
"""

from __future__ import annotations

from datajoint_jupyter.actions import browse, populate, restrict
from datajoint_jupyter.extension import load_ipython_extension, unload_ipython_extension

__all__ = ["browse", "load_ipython_extension", "populate", "restrict", "unload_ipython_extension"]
