"""Engines: what they are (`dialect`) and what they do (`base`)."""

from datajoint.backends.base import Backend, RawResult, Target
from datajoint.backends.registry import get_backend

__all__ = ["Backend", "RawResult", "Target", "get_backend"]
