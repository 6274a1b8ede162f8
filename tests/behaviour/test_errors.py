"""Every kind of error, on every engine: the same class, in words that name what is wrong and what to do."""

import datetime as dt
import random
import sqlite3
import string
import threading
from dataclasses import dataclass, field

import psycopg
import pytest

import datajoint as dj
from datajoint.errors import (
    AccessError,
    DataJointError,
    DeadlockError,
    DuplicateError,
    IntegrityError,
    InvalidValueError,
    LockError,
    LostConnectionError,
    MissingAttributeError,
    MissingTableError,
    QueryError,
    TooLargeError,
    UnknownAttributeError,
    UnknownFieldError,
)
from tests.provision.servers import connect_raw

DRIVERS = {"sqlite3", "pymysql", "psycopg"}


@dataclass
class Lab:
    """Two tables with a row each, and what it takes to do them wrong."""

    engine: str
    connection: dj.Connection
    schema: dj.Schema
    parent: type
    child: type
    new_connection: object
    made: list = field(default_factory=list)

    @property
    def name(self):
        return self.schema.database

    def free(self, name):
        return dj.FreeTable(self.connection, name)

    def killed(self):
        """Open a transaction, lose the link, and go on."""
        with self.connection.transaction:
            number = self.connection.connection_id
            if self.engine == "sqlite":
                self.connection.close()
            elif self.engine == "postgresql":
                self.new_connection().query("SELECT pg_terminate_backend(%s, 5000)", (number,))
            else:
                self.new_connection().query(f"KILL {number}")
            self.parent.insert1({"p": 5, "name": "e"})

    def locked_out(self):
        """Wait for a row that another connection has changed."""
        self.connection.settings.database.lock_timeout = 1
        impatient, holder = self.new_connection(), self.new_connection()
        table = self.parent.full_table_name
        with holder.transaction:
            dj.FreeTable(holder, table).update1({"p": 1, "small": 1})
            dj.FreeTable(impatient, table).update1({"p": 1, "small": 2})

    def deadlocked(self):
        """Let two transactions wait for each other."""
        self.parent.insert1({"p": 2, "name": "b"})
        barrier, errors = threading.Barrier(2), []

        def work(connection, first, second):
            table = dj.FreeTable(connection, self.parent.full_table_name)
            try:
                with connection.transaction:
                    table.update1({"p": first, "small": 1})
                    barrier.wait(20)
                    table.update1({"p": second, "small": 1})
            except DataJointError as error:
                errors.append(error)
            finally:
                connection.close_thread()

        pairs = ((self.new_connection(), 1, 2), (self.new_connection(), 2, 1))
        threads = [threading.Thread(target=work, args=arguments) for arguments in pairs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        (error,) = errors
        raise error

    def too_large(self):
        """Insert a row beyond a limit that is made low, where there is one that can be."""
        width = 4000 if self.engine == "postgresql" else 10
        definition = f"b: varchar({width})\n---\ndata: longblob"
        big = self.schema(type("Big", (dj.Manual,), {"definition": definition}), context={})
        if self.engine == "postgresql":  # the limit is on what an index takes
            noise = "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=4000))  # noqa: S311 - no secret
            return big.insert([{"b": "x", "data": b""}, {"b": noise, "data": b""}])
        raw = self.connection._session().raw
        if self.engine == "sqlite":
            raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 300_000)
        else:
            raw.packet_limit = 300_000
        return big.insert([{"b": "x", "data": b"1"}, {"b": "y", "data": bytes(400_000)}])

    def full_disk(self):
        """Fill what holds the table."""
        quote = self.connection.dialect.quote_name
        if self.engine == "postgresql":  # would take a disk
            raise self.connection.backend.explain(
                psycopg.errors.DiskFull("could not extend file"), "INSERT INTO x.y ..."
            ) from (psycopg.errors.DiskFull("could not extend file"))
        if self.engine == "sqlite":
            raw = self.connection._session().raw
            raw.execute(f"PRAGMA max_page_count = {raw.execute('PRAGMA page_count').fetchone()[0]}")
            for n in range(10_000):
                self.parent.insert([{"p": 100 * n + i, "name": f"{n}-{i}"} for i in range(2, 100)])
        table = f"{quote(self.name)}.{quote('small')}"
        self.connection.query("SET SESSION max_heap_table_size = 16384")
        self.connection.query(f"CREATE TABLE {table} (data CHAR(255)) ENGINE=MEMORY")
        for _ in range(1000):
            self.connection.query(f"INSERT INTO {table} VALUES ('x'), ('x'), ('x'), ('x')")

    def unprivileged(self):
        """Write as somebody who may only read."""
        if self.engine == "sqlite":
            reader = self.new_connection(read_only=True)
        else:
            reader = self.new_connection(url=self.restricted_url())
        table = dj.FreeTable(reader, self.parent.full_table_name)
        assert len(table) == 1
        table.insert1({"p": 7, "name": "g"})

    def restricted_url(self):
        user, target = f"r_{self.name}"[:31], self.connection.target
        raw = connect_raw(self.made[0])
        cursor = raw.cursor()
        if self.engine == "postgresql":
            grants = [
                f"CREATE ROLE {user} LOGIN PASSWORD 'read'",
                f'GRANT USAGE ON SCHEMA "{self.name}" TO {user}',
                f'GRANT SELECT ON ALL TABLES IN SCHEMA "{self.name}" TO {user}',
            ]
            self.made += [f"DROP OWNED BY {user}", f"DROP ROLE {user}"]
        else:
            grants = [f"CREATE USER {user} IDENTIFIED BY 'read'", f"GRANT SELECT ON `{self.name}`.* TO {user}"]
            self.made.append(f"DROP USER {user}")
        for grant in grants:
            cursor.execute(grant)
        raw.close()
        scheme, database = self.made[0].partition("://")[0], target.database or ""
        return f"{scheme}://{user}:read@{target.host}:{target.port}/{database}"

    def wrong_password(self):
        if self.engine == "sqlite":
            pytest.skip("a file has no password")
        url = self.made[0].replace(":password@", ":wrong!@")
        try:
            connect_raw(url).close()
        except Exception:  # noqa: BLE001 - of the driver: it is refused, as it should be
            self.new_connection(url=url)
        else:
            pytest.skip("this server trusts whoever comes from this machine")


@pytest.fixture
def lab(engine, url, connection, schema, new_connection):
    definition = """
    p: int32
    ---
    name: varchar(8)
    sex='F': enum('M', 'F')
    born=null: date
    small=0: int8
    unique index (name)
    """
    parent = schema(type("Parent", (dj.Manual,), {"definition": definition}), context={})
    child = schema(
        type("Child", (dj.Manual,), {"definition": "-> Parent\nc: int32\n---\n-> [nullable] Parent.proj(q='p')"}),
        context={"Parent": parent},
    )
    parent.insert1({"p": 1, "name": "a"})
    child.insert1({"p": 1, "c": 1})
    lab = Lab(engine, connection, schema, parent, child, new_connection, [url])
    yield lab
    if lab.made[1:]:
        raw = connect_raw(url)
        for statement in lab.made[1:]:
            raw.cursor().execute(statement)
        raw.close()


def rows(**bad):
    """Three rows of which the second is wrong."""
    good = {"sex": "F", "born": None, "small": 0}
    return [good | {"p": 3, "name": "c"}, good | {"p": 4, "name": "d"} | bad, good | {"p": 5, "name": "e"}]


# kind: (what is done, class, what the message says, attribute, value, row); None: not of interest.
CASES = {
    "duplicate key": (lambda lab: lab.parent.insert(rows(p=1)), DuplicateError, "{s}.parent|p=1|skip_duplicates", "p", 1, 1),
    "duplicate in the batch": (lambda lab: lab.parent.insert(rows(p=5)), DuplicateError, "{s}.parent|rows 1 and 2|p=5", "p", 5, 2),
    "duplicate unique": (lambda lab: lab.parent.insert(rows(name="a")), DuplicateError, "{s}.parent|name='a'|row 1", "name", "a", 1),
    "duplicate by update": (
        lambda lab: (lab.parent.insert1({"p": 2, "name": "b"}), lab.parent.update1({"p": 2, "name": "a"})),
        DuplicateError, "{s}.parent: a row with name='a' exists", "name", "a", None,
    ),
    "duplicate by statement": (
        lambda lab: lab.connection.query(f"INSERT INTO {lab.parent.full_table_name} (p, name) VALUES (1, 'z')"),
        DuplicateError, "Duplicate entry: {s}.parent|another key", None, None, None,
    ),
    "missing parent": (
        lambda lab: lab.child.insert([{"p": 1, "c": 2}, {"p": 9, "c": 3}]),
        IntegrityError, "{s}.child row 1|no row in {s}.parent with p=9|insert it first", "p", 9, 1,
    ),
    "missing parent by update": (
        lambda lab: lab.child.update1({"p": 1, "c": 1, "q": 77}),
        IntegrityError, "{s}.child: no row in {s}.parent with p=77|insert it first", "q", 77, None,
    ),
    "missing parent by statement": (
        lambda lab: lab.connection.query(f"INSERT INTO {lab.child.full_table_name} (p, c) VALUES (7, 1)"),
        IntegrityError, "foreign key of {s}.child|Insert the row that is referred to first", None, None, None,
    ),
    "restricted delete": (
        lambda lab: (lab.parent & "p = 1").delete_quick(),
        IntegrityError, "{s}.parent|{s}.child|p=1|delete()", "p", 1, None,
    ),
    "restricted delete by statement": (
        lambda lab: lab.connection.query(f"DELETE FROM {lab.parent.full_table_name}"),
        IntegrityError, "refer to rows of {s}.parent|delete()", None, None, None,
    ),
    "null": (lambda lab: lab.parent.insert(rows(name=None)), MissingAttributeError, "Row 1|{s}.parent.name|Give it a value", "name", None, 1),
    "null by update": (lambda lab: lab.parent.update1({"p": 1, "name": None}), MissingAttributeError, "{s}.parent.name|Give it a value", "name", None, None),
    "null by statement": (
        lambda lab: lab.connection.query(f"INSERT INTO {lab.parent.full_table_name} (p, name) VALUES (7, NULL)"),
        MissingAttributeError, "{s}.parent.name got no value|Give it a value", "name", None, None,
    ),
    "left out": (lambda lab: lab.parent.insert([{"p": 3}, {"p": 4}]), MissingAttributeError, "{s}.parent|name|Add the field", "name", None, 0),
    "left out by statement": (
        lambda lab: lab.connection.query(f"INSERT INTO {lab.parent.full_table_name} (p) VALUES (7)"),
        MissingAttributeError, "{s}.parent.name got no value|Give it a value", "name", None, None,
    ),
    "too long": (lambda lab: lab.parent.insert(rows(name="much too long")), InvalidValueError, "Row 1|{s}.parent.name|'much too long'|varchar(8) takes 8", "name", "much too long", 1),
    "too long by statement": (
        lambda lab: lab.connection.query(f"UPDATE {lab.parent.full_table_name} SET name = 'much too long'"),
        InvalidValueError, "{s}.parent|Give a value that fits", None, None, None,
    ),
    "out of range": (lambda lab: lab.parent.insert(rows(small=300)), InvalidValueError, "Row 1|{s}.parent.small|300|-128 to 127", "small", 300, 1),
    "out of range by update": (lambda lab: lab.parent.update1({"p": 1, "small": -129}), InvalidValueError, "{s}.parent.small|-129|-128 to 127", "small", -129, None),
    "bad enum": (lambda lab: lab.parent.insert(rows(sex="X")), InvalidValueError, "Row 1|{s}.parent.sex|'X'|one of 'M', 'F'", "sex", "X", 1),
    "bad enum by statement": (
        lambda lab: lab.connection.query(f"UPDATE {lab.parent.full_table_name} SET sex = 'X'"),
        InvalidValueError, "{s}.parent|Give a value that fits", None, None, None,
    ),
    "bad date": (lambda lab: lab.parent.insert(rows(born="2020-02-30")), InvalidValueError, "Row 1|{s}.parent.born|'2020-02-30'|for instance", "born", "2020-02-30", 1),
    "bad date by statement": (
        lambda lab: lab.connection.query(f"UPDATE {lab.parent.full_table_name} SET born = '2020-02-30'"),
        InvalidValueError, "{s}.parent|Give a value that fits", None, None, None,
    ),
    "unknown table": (lambda lab: lab.free(f"{lab.name}.nope").to_dicts(), MissingTableError, "nope|not defined", None, None, None),
    "unknown table by statement": (
        lambda lab: lab.connection.query(f"SELECT * FROM {lab.parent.full_table_name.replace('parent', 'parents')}"),
        MissingTableError, "{s}.parents does not exist|list_tables()", None, None, None,
    ),
    "unknown schema": (lambda lab: dj.Schema(f"{lab.name}x", connection=lab.connection, create_schema=False), DataJointError, "{s}x|create_schema=True", None, None, None),
    "unknown schema by statement": (
        lambda lab: lab.connection.query("SELECT * FROM nosuchschema.nope"),
        MissingTableError, "nosuchschema|does not exist|Check the name", None, None, None,
    ),
    "unknown column in a restriction": (lambda lab: (lab.parent & "nam = 'a'").to_dicts(), UnknownAttributeError, "`nam`|Did you mean `name`", "nam", None, None),
    "unknown column in a row": (lambda lab: lab.parent.insert(rows(nam=1)), UnknownFieldError, "`nam`|{s}.parent|Did you mean 'name'|ignore_extra_fields", "nam", None, 1),
    "unknown column by statement": (
        lambda lab: lab.connection.query(f"SELECT nam FROM {lab.parent.full_table_name}"),
        UnknownAttributeError, "{s}.parent has no attribute nam|describe()", "nam", None, None,
    ),
    "access denied": (lambda lab: lab.unprivileged(), AccessError, "parent|administrator,read_only", None, None, None),
    "wrong password": (lambda lab: lab.wrong_password(), AccessError, "does not let|Check the user and the password", None, None, None),
    "read only": (lambda lab: in_read_only(lab), AccessError, "refuses to write to {s}.parent|read_only", None, None, None),
    "lost connection": (lambda lab: lab.killed(), LostConnectionError, "lost during a transaction|repeat the whole block", None, None, None),
    "lock time-out": (lambda lab: lab.locked_out(), LockError, "{s}.parent|somebody else|connection.locks()", None, None, None),
    "deadlock": (lambda lab: lab.deadlocked(), DeadlockError, "{s}.parent|waited for each other|repeat it as a whole", None, None, None),
    "row too large": (lambda lab: lab.too_large(), TooLargeError, "Row 1|{s}.big is too large|store", None, None, 1),
    "disk full": (lambda lab: lab.full_disk(), QueryError, "no space left|Free some space", None, None, None),
}  # fmt: skip

CHECKED_BEFORE = {
    "null", "null by update", "left out", "too long", "out of range", "out of range by update", "bad enum", "bad date",
    "unknown table", "unknown schema", "unknown column in a restriction", "unknown column in a row",
}  # fmt: skip
"""Found out before anything is sent, so that there is no error of the driver."""

ONE_WRITER = {"deadlock"}
"""Cannot happen where writers wait for their turn."""


def in_read_only(lab):
    with lab.connection.transaction(read_only=True):
        lab.parent.insert1({"p": 7, "name": "g"})


def causes(error):
    while error is not None:
        yield error
        error = error.__cause__


@pytest.mark.parametrize("kind", CASES)
def test_an_error_says_what_is_wrong_and_what_to_do(lab, kind):
    if lab.engine == "sqlite" and kind in ONE_WRITER:
        pytest.skip("writers wait for their turn")
    work, expected, said, attribute, value, row = CASES[kind]
    with pytest.raises(DataJointError) as caught:
        work(lab)
    error = caught.value
    assert type(error) is expected, repr(error)
    for part in said.format(s=lab.name).split("|"):
        assert any(choice in str(error) for choice in part.split(",read")), (part, str(error))
    if attribute is not None:
        assert error.attribute == attribute
    if value is not None:
        assert error.value == value
    if row is not None:
        assert error.row == row
    if kind not in CHECKED_BEFORE:
        modules = {type(e).__module__.partition(".")[0] for e in causes(error)}
        assert modules & DRIVERS or (kind, lab.engine) == ("lost connection", "sqlite"), [
            repr(e) for e in causes(error)
        ]
    assert "password" not in str(error).replace("Check the user and the password", "")
    assert len(lab.parent & "p > 2") == 0 or kind == "disk full"
    lab.parent.insert1({"p": 99, "name": "after", "born": dt.date(2024, 1, 1)}) if kind != "disk full" else None
