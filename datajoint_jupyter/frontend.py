"""What stands in front of the kernel: a page that can answer, or a program that only collects output."""

from __future__ import annotations

import sys
from typing import Any

from IPython.core.getipython import get_ipython


def page_answers() -> bool:
    """Tell whether a live view makes sense: someone may click in it and will see it move.

    A terminal shows no widgets. Programs that execute notebooks (nbclient, papermill, nbconvert) announce with each
    cell that nobody can be asked for input; what they save is read without a kernel, so that static output is right.
    """
    shell = get_ipython()
    if shell is None or getattr(shell, "kernel", None) is None:
        return False
    return bool(_execute_request(shell).get("content", {}).get("allow_stdin", True))


def current_cell(shell: Any) -> str:
    """Return the front end's id of the cell that runs, or an empty string where it tells none."""
    identifier = _execute_request(shell).get("metadata", {}).get("cellId", "")
    return identifier if isinstance(identifier, str) else ""


def notebook_variables() -> dict[str, Any]:
    """Return the variables of the notebook, to be read and written; of the program where no shell runs."""
    shell = get_ipython()
    found: dict[str, Any] = vars(sys.modules["__main__"]) if shell is None else shell.user_ns
    return found


def _execute_request(shell: Any) -> dict[str, Any]:
    get_parent = getattr(shell, "get_parent", None)
    parent = get_parent() if get_parent is not None else None
    return parent if isinstance(parent, dict) else {}
