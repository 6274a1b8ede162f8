"""What a value is: types, what Python values they take, and how they are given back."""

from datajoint.values.model import ValueType

__all__ = ["ValueType"]
