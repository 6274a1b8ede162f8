"""Create a schema, where there is none of that name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datajoint.errors import AccessError, DataJointError

if TYPE_CHECKING:
    from datajoint.connection import Connection


def ensure_schema(connection: Connection, name: str, *, create: bool) -> None:
    """See to it that a schema exists.

    Raises
    ------
    DataJointError
        If it does not exist and may not or cannot be created, or its name differs from another's by case only.
    """
    if _exists(connection, name):
        return
    connection.forget_catalog(name)
    if _exists(connection, name):
        return
    if not create:
        raise DataJointError(
            f"Schema `{name}` has not yet been declared.", hint="Pass create_schema=True to create it."
        )
    _refuse_case_twin(connection, name)
    try:
        for statement in connection.backend.create_schema(name, connection.target):
            connection.execute(statement)
    except DataJointError as error:
        connection.forget_catalog(name)
        if _exists(connection, name):  # another process was quicker
            return
        if isinstance(error, AccessError):
            raise DataJointError(
                f"Schema `{name}` does not exist and could not be created.",
                hint="Check the permissions of the user.",
            ) from error
        raise
    connection.forget_catalog(name)


def _exists(connection: Connection, name: str) -> bool:
    return connection.catalog(name) is not None


def _refuse_case_twin(connection: Connection, name: str) -> None:
    known = connection.backend.schema_names(connection.execute)
    twins = [other for other in known if other != name and other.lower() == name.lower()]
    if twins and name not in known:
        raise DataJointError(
            f"Schema `{name}` cannot be created: there is `{twins[0]}`, and some databases do not tell them apart.",
            hint=f"Write `{twins[0]}`, or choose another name.",
        )
