"""A user who may only read has a working read side, and is told plainly what may not be done."""

from __future__ import annotations

import itertools
import logging
import os
import traceback
from urllib.parse import urlsplit

import pytest

import datajoint as dj
from datajoint.doctor import examine
from datajoint.errors import AccessError, DataJointError
from datajoint.settings import Config
from tests.provision.servers import connect_raw

_numbers = itertools.count(1)
WORD = "hush-" + str(os.getpid())


@pytest.fixture
def lab(engine, schema):
    """A small pipeline made by somebody else, with rows."""
    if engine == "sqlite":
        pytest.skip("a file has no users")

    @schema
    class Subject(dj.Manual):
        definition = """
        subject : varchar(10)
        ---
        species : enum('mouse', 'rat')
        notes = null : json
        """

    @schema
    class Session(dj.Manual):
        definition = """
        -> Subject
        session : int16
        ---
        weight : float32
        """

        class Trial(dj.Part):
            definition = """
            -> master
            trial : int16
            """

    @schema
    class Mean(dj.Computed):
        definition = """
        -> Session
        ---
        mean : float64
        """

        def make(self, key):
            self.insert1({**key, "mean": 1.5})

    Subject.insert1({"subject": "a", "species": "rat", "notes": {"k": 1}})
    Session.insert1({"subject": "a", "session": 1, "weight": 20.5})
    Session.Trial.insert1({"subject": "a", "session": 1, "trial": 1})
    Mean.populate()
    return schema


@pytest.fixture
def reader(lab, url, engine, new_connection):
    """Make connections of new users, who have the privileges given as statements with ``{user}`` and ``{schema}``."""
    admin = connect_raw(url)
    made = []

    def run(text):
        with admin.cursor() as cursor:
            cursor.execute(text)

    def make(*grants):
        name = f"t{os.getpid()}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{next(_numbers)}"
        if engine == "postgresql":
            run(f"CREATE ROLE {name} LOGIN PASSWORD '{WORD}'")
            user = name
        else:
            run(f"CREATE USER '{name}'@'%' IDENTIFIED BY '{WORD}'")
            run(f"CREATE USER '{name}'@'localhost' IDENTIFIED BY '{WORD}'")
            user = f"'{name}'@'%'"
        made.append(name)
        for grant in grants:
            run(grant.format(user=user, schema=lab.database))
            if engine != "postgresql":
                run(grant.format(user=f"'{name}'@'localhost'", schema=lab.database))
        parts = urlsplit(url)
        place = f"{parts.scheme}://{name}:{WORD}@{parts.hostname}:{parts.port}{parts.path}"
        return new_connection(url=place)

    yield make
    for name in made:
        if engine == "postgresql":
            run(f"DROP OWNED BY {name}")
            run(f"DROP ROLE {name}")
        else:
            run(f"DROP USER '{name}'@'%', '{name}'@'localhost'")
    admin.close()


def all_tables(engine):
    if engine == "postgresql":
        return ("GRANT USAGE ON SCHEMA {schema} TO {user}", "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {user}")
    return ("GRANT SELECT ON `{schema}`.* TO {user}",)


def some_tables(engine, *tables):
    """Grant SELECT on single tables: none of the library's own hidden ones is among them."""
    if engine == "postgresql":
        grants = [f"GRANT SELECT ON {{schema}}.{table} TO {{user}}" for table in tables]
        return ("GRANT USAGE ON SCHEMA {schema} TO {user}", *grants)
    return tuple(f"GRANT SELECT ON `{{schema}}`.`{table}` TO {{user}}" for table in tables)


def read_everything(connection, name):
    module = dj.VirtualModule("lab", name, connection=connection)
    assert module.Subject.fetch1() == {"subject": "a", "species": "rat", "notes": {"k": 1}}
    joined = module.Subject * module.Session & {"species": "rat"} & "weight > 20"
    assert len(joined) == 1
    assert module.Subject.aggr(module.Session, n="count(*)").fetch1("n") == 1
    assert (module.Subject & [{"subject": str(n)} for n in range(50)]).to_dicts() == []
    assert len(module.Subject - module.Session) == 0
    assert "rat" in module.Subject().preview()
    assert "species" in module.Session().describe() + module.Subject().describe()
    return module


def test_select_on_a_schema_is_enough_to_read(reader, lab, engine):
    connection = reader(*all_tables(engine))
    module = read_everything(connection, lab.database)
    assert lab.database in dj.list_schemas(connection)
    assert module.Session.Trial.fetch1("trial") == 1
    assert len(module.Subject.descendants()) == 4
    assert module.Mean.progress(display=False) == (0, 1)
    assert dj.Diagram(module.schema).make_dot()
    with connection.transaction(read_only=True):
        assert len(module.Subject()) == 1


def test_classes_of_the_program_bind_to_tables_that_may_only_be_read(reader, lab, engine):
    connection = reader(*all_tables(engine))
    schema = dj.Schema(lab.database, connection=connection)

    @schema
    class Subject(dj.Manual):
        definition = """
        subject : varchar(10)
        ---
        species : enum('mouse', 'rat')
        notes = null : json
        """

    assert len(Subject & {"subject": "a"}) == 1


CHANGES = [
    lambda m: m.Subject.insert1({"subject": "b", "species": "rat"}),
    lambda m: m.Subject.update1({"subject": "a", "species": "mouse"}),
    lambda m: (m.Subject & {"subject": "a"}).delete(prompt=False),
    lambda m: m.Subject.delete_quick(),
    lambda m: m.Mean.drop(prompt=False),
    lambda m: m.schema.drop(prompt=False),
    lambda m: dj.Schema(m.schema.database, connection=m.schema.connection)(
        type("New", (dj.Manual,), {"definition": "n : int8"})
    ),
    lambda m: dj.Schema("t_no_such_schema_" + m.schema.database, connection=m.schema.connection),
]


def test_every_change_is_refused_as_a_matter_of_access(reader, lab, engine):
    connection = reader(*all_tables(engine))
    module = dj.VirtualModule("lab", lab.database, connection=connection)
    for change in CHANGES:
        with pytest.raises(DataJointError) as caught:
            change(module)
        error = caught.value
        assert isinstance(error, AccessError) or isinstance(error.__cause__, AccessError), error
        assert WORD not in str(error) + repr(error)
    read_everything(connection, lab.database)


def test_single_tables_without_our_hidden_ones(reader, lab, engine, caplog):
    connection = reader(*some_tables(engine, "subject", "session"))
    schema = dj.Schema(lab.database, connection=connection)
    subject = dj.FreeTable(connection, f"{lab.database}.subject")
    definition = "-> Subject\nsession : int16\n---\nweight : float32"
    schema(type("Session", (dj.Manual,), {"definition": definition}), context={"Subject": subject})
    assert not [record for record in caplog.records if record.levelname == "WARNING"]
    module = dj.VirtualModule("lab", lab.database, connection=connection)
    assert module.Subject.fetch1("species") == "rat"
    assert len(module.Subject * module.Session) == 1
    assert module.Subject.aggr(module.Session, n="count(*)").fetch1("n") == 1
    if engine == "postgresql":
        with pytest.raises(AccessError):
            len(module.Mean())


def test_a_few_rights_are_enough_to_populate(reader, lab, engine):
    writes = (
        "GRANT INSERT, UPDATE ON {schema}.__mean TO {user}"
        if engine == "postgresql"
        else "GRANT INSERT, UPDATE ON `{schema}`.`__mean` TO {user}"
    )
    connection = reader(*some_tables(engine, "subject", "session", "__mean"), writes)
    schema = dj.Schema(lab.database, connection=connection)
    session = dj.FreeTable(connection, f"{lab.database}.session")

    class Mean(dj.Computed):
        definition = """
        -> Session
        ---
        mean : float64
        """

        def make(self, key):
            self.insert1({**key, "mean": (session & key).fetch1("weight")})

    schema(Mean, context={"Session": session})
    dj.FreeTable(lab.connection, f"{lab.database}.session").insert1({"subject": "a", "session": 2, "weight": 2.5})
    assert Mean.progress(display=False) == (1, 2)
    assert Mean.populate() == {"success_count": 1, "error_list": []}
    assert (Mean & {"session": 2}).fetch1("mean") == 2.5


def test_a_user_without_privileges_sees_nothing_and_is_told(reader, lab, engine):
    connection = reader()
    with pytest.raises(DataJointError):
        dj.VirtualModule("lab", lab.database, connection=connection).Subject.fetch1()
    assert examine(connection.settings, connection).ok


def test_the_doctor_says_what_may_not_be_done(reader, lab, engine):
    connection = reader(*all_tables(engine))
    report = examine(connection.settings, connection)
    assert report.ok
    text = str(report)
    assert f"cannot insert into all of {lab.database}" in text
    assert "cannot create schemas" in text
    assert f"{lab.database}: 4 tables, lineage recorded" in text
    assert WORD not in text


def test_the_password_appears_nowhere(reader, lab, engine, caplog, capsys, tmp_path, monkeypatch):
    """Neither in what is printed, logged or raised, nor in files or a notebook's output."""
    from IPython.core.formatters import DisplayFormatter
    from IPython.lib.pretty import pretty

    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.DEBUG)
    connection = reader(*all_tables(engine))
    target = connection.target
    place = {"host": target.host, "port": target.port, "user": target.user}
    settings = Config(database={**place, "password": WORD, "backend": engine}, safemode=False)
    settings.stores["far"] = {"protocol": "s3", "secret_key": WORD}
    own = dj.Connection(config_override=settings)
    said = [
        repr(thing) + str(thing) + pretty(thing)
        for thing in (own, own.target, settings, settings.database, settings.items())
    ]
    formats = DisplayFormatter()
    said += [str(formats.format(thing)) for thing in (settings, own, dj.Schema(lab.database, connection=own))]
    said.append(str(examine(settings, own)))
    with own.query_log() as log:
        read_everything(own, lab.database)
    said.append(repr(log))
    own.close()
    url = f"{'postgresql' if engine == 'postgresql' else 'mysql'}://{target.user}:{WORD}@"
    for attempt in (
        lambda: dj.Connection(f"{url}127.0.0.1:1/", config_override=settings),
        lambda: dj.Connection(f"{url}127.0.0.1:{target.port}/?no_such_option=1", config_override=settings),
        lambda: dj.Connection(target.host, "nobody", WORD, target.port, backend=engine, config_override=settings),
        lambda: dj.Connection(
            f"{url}{target.host}:{target.port}/", use_tls={"ca": "/no/such"}, config_override=settings
        ),
        lambda: settings.get_store_spec("far"),
        lambda: setattr(settings.database, "password", [WORD]),
    ):
        with pytest.raises((DataJointError, ValueError)) as caught:
            attempt()
        said += [str(caught.value), repr(caught.value), str(vars(caught.value)), repr(caught.value.__cause__)]
        said.append("".join(traceback.format_exception(caught.value)))
    printed = capsys.readouterr()
    said += [
        caplog.text,
        printed.out,
        printed.err,
        *(path.read_text() for path in tmp_path.rglob("*") if path.is_file()),
    ]
    assert [text for text in said if WORD in text] == []
