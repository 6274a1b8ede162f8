"""The magics ``%dj`` and ``%%dj``."""

from __future__ import annotations

from datajoint_jupyter.magics.magic import DataJointMagics

__all__ = ["DataJointMagics"]
