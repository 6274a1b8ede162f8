"""Live views whose static twin changes with what they did."""

from __future__ import annotations

from IPython.display import display, update_display

from datajoint_jupyter.display.twin import twin_bundle
from datajoint_jupyter.frontend import page_answers
from datajoint_jupyter.widgets.base import LiveView


class ChangingView(LiveView):
    """A widget that writes its static twin again when there is something else to tell."""

    _displayed = False

    def update_twin(self) -> None:
        """Write the static twin again; what it replaces may be all that a reader of the saved notebook sees."""
        if self._displayed and not self.closed:
            update_display(twin_bundle(self.twin_key, self.static()), raw=True, display_id=self.twin_key)

    def _ipython_display_(self) -> None:
        display(twin_bundle(self.twin_key, self.static()), raw=True, display_id=self.twin_key)
        self._displayed = True
        if page_answers():
            self.show()
