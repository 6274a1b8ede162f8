"""What all live views share: messages, errors, the static twin, closing."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import traitlets
from IPython.display import display

from datajoint_jupyter.display.twin import Static, new_key, twin_bundle, view_bundle
from datajoint_jupyter.frontend import page_answers
from datajoint_jupyter.protocol import ProtocolError, Reader, Request, error_reply, read_request, reply, request_id
from datajoint_jupyter.registry import open_widgets

logger = logging.getLogger("datajoint")

_HERE = Path(__file__).parent


def page_files(folder: Path) -> tuple[str, str]:
    """Return the module and the style sheet of the widget in `folder`, what all views share in front.

    ``widget.js`` is the module; other scripts beside it, which it uses, come before it.
    """
    beside = sorted(path for path in folder.glob("*.js") if path.name != "widget.js")
    scripts = [_HERE / "live.js", *beside, folder / "widget.js"]
    sheets = [_HERE / "live.css", folder / "widget.css"]
    module, sheet = ("\n".join(path.read_text("utf-8") for path in paths) for paths in (scripts, sheets))
    return module, sheet


class LiveView(anywidget.AnyWidget):
    """A widget with a static twin that closes when its cell runs again.

    Subclasses name the messages that they take in `readers`, answer them in `receive` and tell their static form in
    `static`.
    """

    readers: ClassVar[Mapping[str, Reader]] = {}

    twin_key = traitlets.Unicode().tag(sync=True)
    closed = False

    def __init__(self, **traits: Any) -> None:
        super().__init__(**{"twin_key": new_key(), **traits})
        self.on_msg(self._on_message)
        open_widgets.add(self)

    # --- to be given by a subclass
    def static(self) -> Static:
        """Return what is shown where no kernel stands behind the page."""
        raise NotImplementedError

    def receive(self, request: Request) -> dict[str, Any] | None:
        """Handle a message; return the payload of an immediate answer, or None if one follows by `answer`.

        Runs in whichever thread the front end's messages arrive in.
        """
        raise NotImplementedError

    # --- messages
    def answer(self, identifier: str, kind: str, payload: dict[str, Any]) -> None:
        """Send an answer to the page."""
        if not self.closed:
            self.send(reply(identifier, kind, payload))

    def answer_error(self, identifier: str, error: BaseException) -> None:
        """Tell the page of an error; it is shown in the widget, for no cell is there to show it."""
        logger.debug("A request of %s failed", type(self).__name__, exc_info=error)
        if not self.closed:
            self.send(error_reply(identifier, error))

    def _on_message(self, _widget: Any, content: object, _buffers: Any) -> None:
        try:
            request = read_request(content, self.readers)
            payload = self.receive(request)
        except ProtocolError as error:
            self.answer_error(request_id(content), error)
        except Exception as error:  # noqa: BLE001 - whatever failed belongs in the widget; nobody sees it elsewhere
            self.answer_error(request_id(content), error)
        else:
            if payload is not None:
                self.answer(request.id, "done", payload)

    # --- life
    def close(self) -> None:
        """Release the widget, its channel to the page and its thread; calling it again does nothing."""
        if not self.closed:
            self.closed = True
            open_widgets.discard(self)
            super().close()

    def show(self) -> None:
        """Display the live view alone; its twin was displayed just before."""
        display(view_bundle(self.model_id), raw=True)

    def _ipython_display_(self) -> None:
        display(twin_bundle(self.twin_key, self.static()), raw=True)
        if page_answers():
            self.show()
