"""Scientific data pipelines in a relational database.

``import datajoint as dj``. The public names are listed in ``__init__.pyi`` and loaded when first used.
"""

from __future__ import annotations

from typing import Any

import lazy_loader

from datajoint.logging import logger as logger
from datajoint.naming import did_you_mean

_resolve, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__author__ = "DataJoint Jupyter Contributors"
__date__ = "November 24, 2026"


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - 30 ms, seldom asked

        try:
            found = version("datajoint")
        except PackageNotFoundError:
            found = "0.0.0+unknown"
        globals()["__version__"] = found
        return found
    if name not in __all__:
        hint = "" if name.startswith("_") else did_you_mean(name, __all__)
        raise AttributeError(f"module 'datajoint' has no attribute {name!r}" + (f". {hint}" if hint else ""))
    return _resolve(name)
