"""The version of the distribution."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "__version__":
        import datajoint  # noqa: PLC0415 - which finds it out when it is first asked

        return datajoint.__version__
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
