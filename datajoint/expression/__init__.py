"""Query expressions: the relational algebra over tables, and fetching of its results."""

from datajoint.expression.expression import Aggregation, QueryExpression, Union
from datajoint.expression.top import AndList, Not, Top
from datajoint.expression.universal import U

__all__ = ["Aggregation", "AndList", "Not", "QueryExpression", "Top", "U", "Union"]
