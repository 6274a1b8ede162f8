"""Tables that fill themselves: find the keys to compute, call the user's `make` for each, keep all of it or nothing."""

from datajoint.autopopulate.autopopulate import AutoPopulate

__all__ = ["AutoPopulate"]
