"""The one way to a database: execute, transactions, retry, reconnect, query log.

A `Connection` lends one driver connection, a *session*, to each thread that uses it. A transaction belongs to the
thread that opened it.
"""

from datajoint.connection.connection import Connection
from datajoint.connection.query_log import QueryRecord
from datajoint.connection.transaction import Transaction

__all__ = ["Connection", "QueryRecord", "Transaction"]
