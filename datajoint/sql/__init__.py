"""SQL as a value, and the one door through which users' SQL text enters."""

from datajoint.sql.fragment import Identifier, Parameter, Sql, column

__all__ = ["Identifier", "Parameter", "Sql", "column"]
