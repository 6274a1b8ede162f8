"""Users' SQL text - conditions, computed attributes, orders - read, checked and translated for the engine in use.

The text is read as one expression of a fixed vocabulary and written anew; nothing of it reaches an engine as it
stands, its literals travel as bound parameters, and its meaning is the same on every engine. This package is the only
importer of ``sqlglot``, which is loaded when a text is first compiled.
"""

from datajoint.usertext.entry import compile_condition, compile_expression, compile_order, split_order
from datajoint.usertext.equality import as_one_type
from datajoint.usertext.fragment import Column, OrderTerm, UserFragment

__all__ = [
    "Column", "OrderTerm", "UserFragment", "as_one_type", "compile_condition", "compile_expression", "compile_order", "split_order",
]  # fmt: skip
