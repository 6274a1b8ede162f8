"""The live view of a run of `populate`."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from datajoint_jupyter.display.populate import progress_texts, static_progress
from datajoint_jupyter.protocol import Request
from datajoint_jupyter.widgets.base import LiveView, page_files
from datajoint_jupyter.widgets.populate.messages import READERS

if TYPE_CHECKING:
    from datajoint_jupyter.display.twin import Static
    from datajoint_jupyter.widgets.populate.run import PopulateRun

_INTERVAL = 0.15
_LISTED = 100


class PopulateView(LiveView):
    """Shows how far a run is, several times a second, and its end for certain.

    Parameters
    ----------
    run : PopulateRun
    """

    readers = READERS
    _esm, _css = page_files(Path(__file__).parent)

    progress = traitlets.Dict().tag(sync=True)
    errors = traitlets.List(traitlets.Dict()).tag(sync=True)

    def __init__(self, run: PopulateRun) -> None:
        self._run = run
        self._sending = threading.Lock()
        super().__init__(twin_key=run.twin_key)
        self._send_state()
        threading.Thread(target=self._watch, name="dj populate view", daemon=True).start()

    def static(self) -> Static:
        """Return the state in words."""
        return static_progress(self._run.progress, time.time())

    def receive(self, request: Request) -> dict[str, Any]:  # noqa: ARG002 - there is one kind only
        """Stop, as told."""
        self._run.stop()
        self._send_state()
        return {}

    def _watch(self) -> None:
        while not self._run.wait(_INTERVAL):
            if self.closed:
                return
            self._send_state()
        if not self.closed:
            self._send_state()

    def _send_state(self) -> None:
        progress = self._run.progress
        listed = progress.errors[-_LISTED:]
        with self._sending, self.hold_sync():  # values that did not change are not sent
            self.progress = progress_texts(progress, time.time())
            self.errors = [{"key": e.key, "message": e.message, "traceback": e.traceback} for e in listed]
