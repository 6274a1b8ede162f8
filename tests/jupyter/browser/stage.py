"""A widget and its page without a notebook: the test decides when what they say to each other arrives."""

from __future__ import annotations

import queue
import time

from datajoint_jupyter.widgets.base import LiveView

_MOUNT = """
async ([module, sheet, state]) => {
  const heard = new Map();
  const model = {
    get: (name) => state[name],
    set: (name, value) => { state[name] = value; changed.push([name, value]); },
    save_changes: () => {},
    on: (event, call) => heard.set(event, [...(heard.get(event) ?? []), call]),
    off: (event, call) => heard.set(event, (heard.get(event) ?? []).filter((one) => one !== call)),
    send: (content) => sent.push(JSON.parse(JSON.stringify(content))),
  };
  const sent = [];
  const changed = [];
  const tell = (event, ...values) => (heard.get(event) ?? []).forEach((call) => call(...values));
  window.stage = {
    take: () => [sent.splice(0), changed.splice(0)],
    news: (name, value) => { state[name] = value; tell(`change:${name}`); },
    message: (content) => tell("msg:custom", content),
  };
  const style = document.createElement("style");
  style.textContent = sheet;
  document.head.append(style);
  const page = await import(URL.createObjectURL(new Blob([module], { type: "text/javascript" })));
  const view = typeof page.default === "function" ? page.default() : page.default;
  view.initialize?.({ model });
  view.render({ model, el: document.body });
}
"""


class Stage:
    """A widget of this process in front of a page of its own.

    Parameters
    ----------
    page : playwright page
    widget : LiveView
    """

    def __init__(self, page, widget):
        self.page, self.widget = page, widget
        self.faults = []
        self._said = queue.Queue()
        self._names = [name for name in widget.traits(sync=True) if not name.startswith("_") and name != "layout"]
        widget.observe(lambda change: self._said.put((change["name"], change["new"])), self._names)
        widget.send = lambda content, buffers=None: self._said.put((None, content))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.clock.install()
        page.set_content("<!doctype html><title>stage</title><body></body>")
        state = {
            name: getattr(widget, name) for name in self._names if name not in ("comm", "keys", "tabbable", "tooltip")
        }
        page.evaluate(_MOUNT, [str(widget._esm), str(widget._css), state])

    def to_kernel(self):
        """Let what the page has said arrive; return the kinds of its questions."""
        sent, changed = self.page.evaluate("() => window.stage.take()")
        for name, value in changed:
            setattr(self.widget, name, value)
        for content in sent:
            LiveView._on_message(self.widget, self.widget, content, [])
        return [content["kind"] for content in sent]

    def to_page(self, answers=0, patience=20):
        """Let what the kernel says arrive until so many questions are answered; without a number, all that is there."""
        deadline = time.monotonic() + patience
        wanted = answers
        while wanted > 0 or (not answers and not self._said.empty()):
            name, value = self._said.get(timeout=max(0.1, deadline - time.monotonic()))
            if name is None:
                self.page.evaluate("content => window.stage.message(content)", value)
                wanted -= 1
            else:
                self.page.evaluate("([name, value]) => window.stage.news(name, value)", [name, value])

    def pass_time(self, milliseconds):
        """Let time pass for the page, at once."""
        self.page.clock.run_for(milliseconds)

    def settle(self):
        """Let questions and answers arrive until there are none left; return the kinds of the questions."""
        asked = []
        while kinds := self.to_kernel():
            asked += kinds
            self.to_page(len(kinds))
        self.to_page()
        return asked
