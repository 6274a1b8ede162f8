"""DataJoint in notebooks: the magics ``%dj`` and ``%%dj``, a table browser, live diagrams, a status matrix, populate in view.

``%load_ext datajoint_jupyter`` makes the magics known. `browse`, `diagram`, `matrix` and `populate` do from Python what
they do.
"""

from __future__ import annotations

from datajoint_jupyter.actions import browse, diagram, matrix, populate
from datajoint_jupyter.extension import load_ipython_extension, unload_ipython_extension

__all__ = ["browse", "diagram", "load_ipython_extension", "matrix", "populate", "unload_ipython_extension"]
