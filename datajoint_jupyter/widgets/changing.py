"""Live views whose static twin changes with what they did."""

from __future__ import annotations

import logging
import threading
from typing import Any

from IPython.display import display, update_display

from datajoint_jupyter.display.twin import twin_bundle
from datajoint_jupyter.frontend import page_answers
from datajoint_jupyter.widgets.base import LiveView
from datajoint_jupyter.worker import Worker

logger = logging.getLogger("datajoint")


class ChangingView(LiveView):
    """A widget that writes its static twin again when there is something else to tell."""

    _displayed = False

    def __init__(self, **traits: Any) -> None:
        self._twin_due = threading.Event()
        super().__init__(**traits)

    def twin(self) -> dict[str, Any]:
        """Return the output that stands for the widget where no kernel is behind the page."""
        return twin_bundle(self.twin_key, self.static())

    def update_twin(self) -> None:
        """Write the static twin again; what it replaces may be all that a reader of the saved notebook sees."""
        if self._displayed and not self.closed:
            update_display(self.twin(), raw=True, display_id=self.twin_key)

    def renew_twin(self, worker: Worker) -> None:
        """Write the static twin again when `worker` has nothing else to do; now, where the twin is all that is read."""
        if not self._displayed or self.closed:
            return
        if not page_answers():
            self.update_twin()
        elif not self._twin_due.is_set():
            self._twin_due.set()
            worker.submit(self._renew_twin, urgent=False)

    def _renew_twin(self) -> None:
        self._twin_due.clear()
        try:
            self.update_twin()
        except Exception:  # nobody asked for it; what is wrong is told where something was asked for
            logger.debug("The static form of %s is of the past", type(self).__name__, exc_info=True)

    def _ipython_display_(self) -> None:
        display(self.twin(), raw=True, display_id=self.twin_key)
        self._displayed = True
        if page_answers():
            self.show()
