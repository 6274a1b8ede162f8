"""Values of every type, as a program writes them with either library. No library is imported here."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

CORE = {
    "int8": [-128, 0, 127],
    "int16": [-32768, 5, 32767],
    "int32": [-(2**31), 2**31 - 1],
    "int64": [-(2**63), 2**53 + 1, 2**63 - 1],
    "float32": [0.1, -1.5, 3.4e38, 1e-30, 0.0],
    "float64": [0.1, 1 / 3, -1.7976931348623157e308, 2.2250738585072014e-308, 1e22],
    "decimal(15,4)": [Decimal("0.1000"), Decimal("-12345678901.2345"), Decimal("99999999999.9999")],
    "decimal(30,10)": [Decimal("12345678901234567890.0123456789"), Decimal("-0.0000000001")],
    "bool": [True, False],
    "char(8)": ["ab", "é", ""],
    "varchar(20)": ["a", 'it\'s "q" \\ %s %% é', ""],
    "enum('b','A','a b')": ["b", "A", "a b"],
    "date": [dt.date(2024, 2, 29), dt.date(1000, 1, 1), dt.date(9999, 12, 31)],
    "datetime": [dt.datetime(2024, 2, 29, 23, 59, 59), dt.datetime(1000, 1, 1)],
    "datetime(3)": [dt.datetime(2024, 2, 29, 23, 59, 59, 123_000)],
    "datetime(6)": [dt.datetime(2024, 2, 29, 23, 59, 59, 123_456)],
    "uuid": [uuid.UUID(int=1), uuid.UUID("12345678-1234-5678-9234-567812345678")],
    "json": [{"a": [1, 2.5, None, True], "é": {"b": "x"}}, [1e20, -5], "text", 5],
    "bytes": [b"\x00\xff'\\%", b""],
}
NATIVE = {
    "smallint": [-32768, 7],
    "bigint": [-(2**63), 2**63 - 1],
    "real": [0.1, 1e30],
    "numeric(8,3)": [Decimal("12345.678")],
    "text": ["long é", ""],
    "timestamp": [dt.datetime(2024, 2, 29, 12, 0, 1)],
}
NATIVE_MYSQL = {
    "tinyint": [-128, 127],
    "mediumint": [-(2**23)],
    "int unsigned": [2**32 - 1],
    "bigint unsigned": [2**64 - 1],
    "double": [0.1],
    "float": [0.5],
    "tinyblob": [b"\x00\xff"],
    "mediumtext": ["é"],
    "year": [1901, 2155],
    "time": [dt.timedelta(hours=-838), dt.timedelta(hours=1, seconds=1)],
}


def tables(engine):
    """Return ``class name -> (type, values)``."""
    types = {**CORE, **NATIVE, **({} if engine == "postgresql" else NATIVE_MYSQL)}
    return {f"Values{chr(65 + n // 26)}{chr(65 + n % 26)}": item for n, item in enumerate(types.items())}


def definition(declared):
    """Return a table with one attribute of the type that may be NULL."""
    return f"id : int32\n---\nx = null : {declared}"
