"""The hidden column in which manual tables record where a row comes from."""

from __future__ import annotations

from datajoint.declare.hidden import PROV_ATTRIBUTE

__all__ = ["PROV_ATTRIBUTE"]
