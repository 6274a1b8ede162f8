"""An IPython shell for each test, and the messages that widgets send."""

from __future__ import annotations

import pytest


@pytest.fixture
def shell(monkeypatch, tmp_path):
    """A fresh shell without a page in front of it, the extension loaded."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    InteractiveShell.clear_instance()
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config)
    shell.colors = "nocolor"
    assert shell.run_cell("%load_ext datajoint_jupyter").success
    yield shell
    shell.run_cell("%unload_ext datajoint_jupyter")
    shell.reset()
    InteractiveShell.clear_instance()


@pytest.fixture
def run(shell, capsys):
    """Run a cell; return what it printed. With `fails`, the cell must fail with an error of that class."""

    def run(code, *, fails=None):
        capsys.readouterr()
        result = shell.run_cell(code, store_history=True)
        output = capsys.readouterr()
        error = result.error_in_exec or result.error_before_exec
        if fails is None:
            assert error is None, output.out + output.err
        else:
            assert type(error).__name__ == fails
        return output.out + output.err

    return run


@pytest.fixture
def lab_connection(tmp_path, settings):
    """A connection to a file, for what is the same on every engine."""
    import datajoint as dj

    connection = dj.Connection(f"sqlite:///{tmp_path / 'lab.db'}", config_override=settings)
    yield connection
    connection.close()


@pytest.fixture
def lab_schema(lab_connection):
    """A schema in that file."""
    import datajoint as dj

    return dj.Schema("lab", connection=lab_connection)


@pytest.fixture
def sent(monkeypatch):
    """The messages that widgets send to their pages."""
    import queue

    from datajoint_jupyter.widgets.base import LiveView

    messages = queue.Queue()
    monkeypatch.setattr(LiveView, "send", lambda _self, content, buffers=None: messages.put(content))
    return messages


@pytest.fixture
def close_widgets():
    """Close what a test opened, as the end of a kernel does."""
    yield
    from datajoint_jupyter.registry import open_widgets

    open_widgets.close_all()
    open_widgets.enter_cell("")
