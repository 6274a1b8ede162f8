"""The live view of a panel."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from datajoint_jupyter.display.work import failure_texts, panel_texts, static_panel
from datajoint_jupyter.protocol import Request
from datajoint_jupyter.widgets.base import LiveView, page_files
from datajoint_jupyter.widgets.panel.messages import READERS, FailuresRequest, OrderRequest, StartRequest
from datajoint_jupyter.worker import Worker

if TYPE_CHECKING:
    from datajoint_jupyter.display.twin import Static
    from datajoint_jupyter.work.failures import Failure, FailureKind
    from datajoint_jupyter.work.panel import WorkPanel

_JOINING = 2.0


class PanelView(LiveView):
    """Shows a panel, and passes on what its user wants.

    Parameters
    ----------
    panel : WorkPanel
    """

    readers = READERS
    _esm, _css = page_files(Path(__file__).parent)

    state = traitlets.Dict().tag(sync=True)
    failures = traitlets.List(traitlets.Dict()).tag(sync=True)

    def __init__(self, panel: WorkPanel) -> None:
        self._panel = panel
        self._sending = threading.Lock()
        self._listed: list[FailureKind] = []
        connection = panel.tables[0].connection
        self._worker = Worker("dj panel", connection.close_thread)
        super().__init__(twin_key=panel.twin_key)
        self._send_state()
        panel.listen(self._send_state)

    def static(self) -> Static:
        """Return the state in words."""
        return static_panel(self._panel.state)

    def receive(self, request: Request) -> dict[str, Any] | None:
        """Do what was asked; what asks the database is done in the widget's thread."""
        wish = request.payload
        if isinstance(wish, StartRequest):
            (self._panel.resume if wish.resume else self._panel.start)(wish.workers, wish.kind)
        elif isinstance(wish, FailuresRequest):
            self._later(request.id, lambda: self._deal_with(wish))
            return None
        elif isinstance(wish, OrderRequest) and wish.order == "recover":
            self._later(request.id, self._panel.recover)
            return None
        elif isinstance(wish, OrderRequest):
            {"pause": self._panel.pause, "stop": self._panel.stop, "kill": self._panel.kill}[wish.order]()
        return {}

    def _later(self, identifier: str, deed: Any) -> None:
        def work() -> None:
            try:
                count = deed()
            except Exception as error:  # noqa: BLE001 - it belongs in the view; nobody sees it elsewhere
                self.answer_error(identifier, error)
            else:
                self.answer(identifier, "done", {"count": count})

        self._worker.submit(work)

    def _deal_with(self, wish: FailuresRequest) -> int:
        chosen = self._chosen(wish.ids)
        return self._panel.retry(chosen) if wish.deed == "retry" else self._panel.ignore(chosen)

    def _chosen(self, ids: frozenset[str]) -> list[Failure]:
        """Return failures by their ids, and all of the kinds whose ids are given."""
        return [f for kind in self._listed for f in kind.failures if kind.id in ids or f.id in ids]

    def _send_state(self) -> None:
        if self.closed:
            return
        with self._sending, self.hold_sync():  # values that did not change are not sent
            self.state = panel_texts(self._panel.state, os.cpu_count() or 1)
            self._listed = self._panel.failure_kinds
            self.failures = failure_texts(self._listed)

    def close(self) -> None:
        """Close the view; the panel closes with its cell."""
        self._worker.close(_JOINING)
        super().close()
