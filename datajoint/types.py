"""Names for types in signatures of users' functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

AttributeName: TypeAlias = str
AttributeNames: TypeAlias = Sequence[str]
TableName: TypeAlias = str
FullTableName: TypeAlias = str
SchemaName: TypeAlias = str
PrimaryKey: TypeAlias = dict[str, Any]
PrimaryKeyList: TypeAlias = list[dict[str, Any]]
Row: TypeAlias = dict[str, Any]
RowList: TypeAlias = list[dict[str, Any]]
ForeignKeyMap: TypeAlias = Mapping[str, tuple[str, str]]
Restriction: TypeAlias = Any
"""Text, a mapping, a table, a list of these, or ``True``/``False``."""
FetchResult: TypeAlias = list[dict[str, Any]]
