"""Work on several tables, as a notebook begins, stops and watches it; nothing of pages and widgets.

`targets` finds tables, `conductor` has them computed, `watcher` asks the database how far they are, `pace` makes rates of
that, `failures` sorts what failed, and `panel` is all of it together, for the notebook's user and for a view.
"""

from __future__ import annotations

from datajoint_jupyter.work.conductor import Conductor, Wishes
from datajoint_jupyter.work.panel import WorkPanel

__all__ = ["Conductor", "Wishes", "WorkPanel"]
