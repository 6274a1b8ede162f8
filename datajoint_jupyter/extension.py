"""``%load_ext`` and ``%unload_ext``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What was added to a shell, to be taken away again."""

    shell: Any
    matcher: Any
    before_cell: Callable[..., None]
    after_cell: Callable[..., None]


_loaded: list[_Loaded] = []


def load_ipython_extension(shell: Any) -> None:
    """Make ``%dj`` and ``%%dj`` known to an IPython shell, with their completion."""
    from datajoint_jupyter.frontend import current_cell  # noqa: PLC0415 - a bare import of the package stays light
    from datajoint_jupyter.magics.completion import make_matcher  # noqa: PLC0415
    from datajoint_jupyter.magics.magic import DataJointMagics  # noqa: PLC0415
    from datajoint_jupyter.registry import open_widgets  # noqa: PLC0415
    from datajoint_jupyter.workspace import Workspace  # noqa: PLC0415

    unload_ipython_extension(shell)
    workspace = Workspace(shell.user_ns)
    magics = DataJointMagics(shell, workspace)
    shell.register_magics(magics)

    def before_cell(_info: Any) -> None:
        open_widgets.enter_cell(current_cell(shell))

    def after_cell(_result: Any) -> None:
        workspace.forget()

    matcher = make_matcher(magics.context)
    shell.Completer.custom_matchers.append(matcher)
    shell.events.register("pre_run_cell", before_cell)
    shell.events.register("post_run_cell", after_cell)
    open_widgets.enter_cell(current_cell(shell))
    _loaded.append(_Loaded(shell, matcher, before_cell, after_cell))


def unload_ipython_extension(shell: Any) -> None:
    """Take the magics away again and close all widgets, their threads and their sessions."""
    for loaded in [entry for entry in _loaded if entry.shell is shell]:
        from datajoint_jupyter.registry import open_widgets  # noqa: PLC0415

        _loaded.remove(loaded)
        open_widgets.close_all()
        shell.Completer.custom_matchers.remove(loaded.matcher)
        shell.events.unregister("pre_run_cell", loaded.before_cell)
        shell.events.unregister("post_run_cell", loaded.after_cell)
        for kind in ("line", "cell"):
            shell.magics_manager.magics[kind].pop("dj", None)
