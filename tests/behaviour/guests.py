"""Users who may do some things and not others."""

from __future__ import annotations

import itertools
import os
from urllib.parse import urlsplit

import pytest

from tests.provision.servers import connect_raw

_numbers = itertools.count(1)


@pytest.fixture
def guest(engine, url, schema, new_connection):
    """Make connections of users who have the rights given for tables of the schema."""
    if engine == "sqlite":
        pytest.skip("a file has no users")
    admin, made = connect_raw(url), []

    def run(text):
        with admin.cursor() as cursor:
            cursor.execute(text)

    def make(**rights):
        name = f"g{os.getpid()}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{next(_numbers)}"
        if engine == "postgresql":
            run(f"CREATE ROLE {name} LOGIN PASSWORD 'hush'")
            run(f"GRANT USAGE ON SCHEMA {schema.database} TO {name}")
        users = [name] if engine == "postgresql" else [f"'{name}'@'%'", f"'{name}'@'localhost'"]
        quote = '"' if engine == "postgresql" else "`"
        for user in users:
            if engine != "postgresql":
                run(f"CREATE USER {user} IDENTIFIED BY 'hush'")
            for table, granted in rights.items():
                run(f"GRANT {granted} ON {quote}{schema.database}{quote}.{quote}{table}{quote} TO {user}")
        made.append((name, users))
        parts = urlsplit(url)
        return new_connection(url=f"{parts.scheme}://{name}:hush@{parts.hostname}:{parts.port}{parts.path}")

    yield make
    for name, users in made:
        if engine == "postgresql":
            run(f"DROP OWNED BY {name}")
            run(f"DROP ROLE {name}")
        else:
            run(f"DROP USER {', '.join(users)}")
    admin.close()
