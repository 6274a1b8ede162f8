"""A variable of the notebook for what was made by hand."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import MutableMapping
from typing import Any

from datajoint.errors import DataJointError


def keep_variable(namespace: MutableMapping[str, Any], name: str, value: Any, *, again: bool) -> None:
    """Put a value into a namespace under a name that is free, or under which it was put before.

    Raises
    ------
    DataJointError
        If that is no name, or one that something else has.
    """
    if not name.isidentifier() or keyword.iskeyword(name):
        raise DataJointError(f"The query was to be kept as {name!r}, which is no name.", hint="Give it a name.")
    if (name in namespace and not again) or hasattr(builtins, name):
        raise DataJointError(
            f"The query was to be kept as {name}, which is something else already.",
            hint=f"Choose another name, or delete that with: del {name}",
        )
    namespace[name] = value
