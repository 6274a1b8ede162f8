"""A link that is cut, silent or slow at any statement of insert, populate and delete: nothing is lost, nothing doubled."""

import os
import random
from urllib.parse import urlsplit

import pytest

import datajoint as dj
from datajoint.connection import time_limit
from datajoint.errors import DataJointError, LostConnectionError, TimeLimitError
from tests.faults.proxy import Fault, Proxy

CUTS = ("cut before", "cut after")
SAMPLE = 5  # points of each kind of work and cut; all of them where slow tests run


class Pipeline:
    """Three tables through the proxy, and the same ones directly, for looking."""

    def __init__(self, schema, direct):
        self.connection, self.direct = schema.connection, direct

        @schema
        class Item(dj.Manual):
            definition = """
            item : int32
            ---
            note="" : varchar(20)
            """

        @schema
        class Event(dj.Manual):
            definition = """
            event : int auto_increment
            ---
            mark : varchar(20)
            """

        @schema
        class Result(dj.Computed):
            definition = """
            -> Item
            ---
            double : int32
            """

            class Part(dj.Part):
                definition = """
                -> master
                part : int32
                """

            def make(self, key):
                self.insert1({**key, "double": 2 * (Item & key).fetch1("item")})
                self.Part.insert({**key, "part": n} for n in range(3))

        self.Item, self.Event, self.Result = Item, Event, Result

    def seen(self, table):
        return dj.FreeTable(self.direct, table.full_table_name)

    def column(self, table, name):
        return sorted(self.seen(table).to_arrays(name).tolist())

    def empty(self):
        for table in (self.Result.Part, self.Result, self.Item, self.Event):
            self.seen(table).delete_quick()


class Insert:
    """Single rows, rows in bulk, rows whose key the server makes, and rows in a transaction."""

    def prepare(self, lab):
        lab.empty()

    def steps(self, lab):
        def together():
            with lab.connection.transaction:
                lab.Item.insert1({"item": 7})
                lab.Item.insert([{"item": 8}, {"item": 9}])

        return {
            "one": lambda: lab.Item.insert1({"item": 1}),
            "bulk": lambda: lab.Item.insert({"item": n} for n in (2, 3, 4)),
            "event": lambda: lab.Event.insert1({"mark": "a"}),
            "events": lambda: lab.Event.insert([{"mark": "b"}, {"mark": "c"}]),
            "together": together,
        }

    def check(self, lab, outcome):
        items, marks = lab.column(lab.Item, "item"), lab.column(lab.Event, "mark")
        expected = {"one": [1], "bulk": [2, 3, 4], "together": [7, 8, 9]}
        for step, wanted in expected.items():
            found = [n for n in items if n in wanted]
            assert found == wanted or (step not in outcome and not found), (step, items)
        for step, wanted in {"event": ["a"], "events": ["b", "c"]}.items():
            found = [m for m in marks if m in wanted]
            assert found == wanted or (step not in outcome and not found), (step, marks)


class Populate:
    """Keys that are computed in a transaction each."""

    keys = (1, 2, 3)

    def prepare(self, lab):
        lab.empty()
        lab.seen(lab.Item).insert({"item": n} for n in self.keys)

    def steps(self, lab):
        return {"populate": lambda: lab.Result.populate(suppress_errors=False)}

    def check(self, lab, outcome):
        self._whole(lab)
        if "populate" in outcome:
            assert lab.column(lab.Result, "item") == list(self.keys)
        lab.Result.populate()
        self._whole(lab)
        assert lab.column(lab.Result, "item") == list(self.keys)

    def _whole(self, lab):
        done = lab.column(lab.Result, "item")
        assert done == sorted(set(done))
        assert lab.column(lab.Result.Part, "item") == sorted(3 * done)


class Delete:
    """Rows with all that depends on them."""

    def prepare(self, lab):
        lab.empty()
        lab.seen(lab.Item).insert({"item": n} for n in range(4))
        lab.seen(lab.Result).insert({"item": n, "double": 2 * n} for n in range(4))
        lab.seen(lab.Result.Part).insert({"item": n, "part": p} for n in range(4) for p in range(3))

    def steps(self, lab):
        return {"delete": lambda: (lab.Item & "item < 2").delete(prompt=False)}

    def check(self, lab, outcome):
        left = lab.column(lab.Item, "item")
        assert left in ([2, 3], [0, 1, 2, 3])
        assert "delete" not in outcome or left == [2, 3]
        assert lab.column(lab.Result, "item") == left
        assert lab.column(lab.Result.Part, "item") == sorted(3 * left)
        (lab.Item & "item < 2").delete(prompt=False)
        assert lab.column(lab.Item, "item") == [2, 3]


WORK = {"insert": Insert(), "populate": Populate(), "delete": Delete()}


@pytest.fixture(scope="module")
def lab(engine, module_schema):
    """The tables, reached through a proxy."""
    if engine == "sqlite":
        pytest.skip("a file has no link to lose")
    direct = module_schema.connection
    target = direct.target
    proxy = Proxy(target.host, target.port)
    url = f"{'postgresql' if engine == 'postgresql' else 'mysql'}://{target.user}:{target.password}@127.0.0.1:{proxy.port}"
    connection = dj.Connection(f"{url}/{target.database or ''}", config_override=direct.settings, use_tls=False)
    made = Pipeline(dj.Schema(module_schema.database, connection=connection), direct)
    made.proxy = proxy
    yield made
    connection.close()
    proxy.close()


def run(lab, work, fault):
    """Do the work with the fault; return the steps that ended well and the errors of the others."""
    work.prepare(lab)
    lab.connection.query("SELECT 1")
    lab.proxy.set(fault)
    outcome, errors = [], []
    for name, step in work.steps(lab).items():
        try:
            step()
        except DataJointError as error:
            errors.append(error)
        else:
            outcome.append(name)
    return outcome, errors


def statements(lab, work):
    """Return how many requests the work takes when nothing goes wrong."""
    for _ in range(2):  # the first time, the structure is read too
        outcome, errors = run(lab, work, None)
        assert not errors
    count = lab.proxy.requests
    work.check(lab, outcome)
    return count


def prove(lab, work, fault):
    outcome, errors = run(lab, work, fault)
    happened = lab.proxy.happened
    lab.proxy.set(None)
    assert happened or not errors, fault  # the driver prepares statements when it likes: there may be fewer requests
    assert not lab.connection.in_transaction, fault
    assert all(isinstance(error, (LostConnectionError, TimeLimitError)) for error in errors), (fault, errors)
    work.check(lab, outcome)
    lab.connection.query("SELECT 1")
    assert lab.connection.is_connected, fault
    return happened


@pytest.mark.parametrize("kind", WORK)
@pytest.mark.parametrize("mode", CUTS)
def test_cut_at_some_statement(lab, kind, mode, engine):
    """The seed stands at the head of the test run; DJ_TEST_SEED repeats it."""
    work = WORK[kind]
    count = statements(lab, work)
    chance = random.Random(f"{os.environ['DJ_TEST_SEED']} {kind} {mode} {engine}")  # noqa: S311 - no secret
    happened = [prove(lab, work, Fault(mode, at)) for at in chance.sample(range(count), min(SAMPLE, count))]
    assert any(happened)


@pytest.mark.slow
@pytest.mark.parametrize("kind", WORK)
@pytest.mark.parametrize("mode", CUTS)
def test_cut_at_every_statement(lab, kind, mode):
    work = WORK[kind]
    for at in range(statements(lab, work)):
        prove(lab, work, Fault(mode, at))


@pytest.mark.parametrize("kind", WORK)
def test_slow_answers_are_waited_for(lab, kind):
    work = WORK[kind]
    count = statements(lab, work)
    for at in {0, count // 2, count - 1}:
        outcome, errors = run(lab, work, Fault("delay", at, 0.3))
        assert not errors
        assert outcome == list(work.steps(lab))
        work.check(lab, outcome)


@pytest.fixture
def impatient(monkeypatch):
    """Do not ask a silent server twice for long."""
    monkeypatch.setattr(time_limit, "_PATIENCE", 0.4)


def silence(lab, kind, at):
    """A server that says nothing more: the time limit breaks the link in the end."""
    with lab.connection.time_limit(0.3):
        prove(lab, WORK[kind], Fault("stall", at))


@pytest.mark.parametrize("kind", WORK)
def test_silence_at_some_statement(lab, kind, engine, impatient):
    chance = random.Random(f"{os.environ['DJ_TEST_SEED']} {kind} {engine}")  # noqa: S311 - no secret
    silence(lab, kind, chance.randrange(statements(lab, WORK[kind])))


@pytest.mark.slow
@pytest.mark.parametrize("kind", WORK)
def test_silence_at_every_statement(lab, kind, impatient):
    for at in range(statements(lab, WORK[kind])):
        silence(lab, kind, at)


def test_between_pages_of_an_iteration_the_link_is_restored(lab):
    lab.empty()
    lab.seen(lab.Item).insert({"item": n} for n in range(2500))
    for mode in CUTS:
        lab.proxy.set(Fault(mode, 1))
        assert [row["item"] for row in lab.Item] == list(range(2500))
        assert lab.proxy.happened
    with pytest.raises(LostConnectionError, match="during a transaction"), lab.connection.transaction:
        lab.proxy.set(Fault("cut before", 1))
        list(lab.Item)


def test_a_commit_whose_answer_is_lost_is_not_called_undone(lab):
    lab.empty()
    lab.connection.query("SELECT 1")
    with pytest.raises(LostConnectionError, match=r"committed: it was kept as a whole or not at all.*Look which"):
        with lab.connection.transaction:
            lab.Item.insert1({"item": 1})
            lab.proxy.set(Fault("cut after", 0))
    assert lab.column(lab.Item, "item") == [1]
    with pytest.raises(LostConnectionError, match="committed"), lab.connection.transaction:
        lab.Item.insert1({"item": 2})
        lab.proxy.set(Fault("cut before", 0))
    assert lab.column(lab.Item, "item") == [1]


def test_a_write_whose_answer_is_lost_is_not_repeated(lab, monkeypatch):
    # The question whether the structure changed, asked once a second, must not be what is cut off.
    monkeypatch.setattr("datajoint.connection.catalogs._SECONDS", 3600)
    lab.empty()
    lab.connection.query("SELECT 1")
    lab.proxy.set(Fault("cut after", 0))
    with pytest.raises(LostConnectionError, match="carried out as a whole or not at all"):
        lab.Event.insert1({"mark": "once"})
    assert lab.column(lab.Event, "mark") == ["once"]
    lab.Event.insert1({"mark": "twice"})
    assert lab.column(lab.Event, "mark") == ["once", "twice"]


def test_without_reconnecting_a_lost_link_stays_lost_until_asked(lab):
    lab.empty()
    reader = dj.Connection(
        f"{'postgresql' if lab.direct.dialect.name == 'postgresql' else 'mysql'}://x:y@127.0.0.1:{lab.proxy.port}/",
        lab.direct.target.user, lab.direct.target.password, use_tls=False,
        config_override=lab.direct.settings.model_copy(deep=True),
    )  # fmt: skip
    assert urlsplit(f"//{reader.address.partition('@')[2]}").port == lab.proxy.port
    reader.settings.database.reconnect = False
    lab.proxy.set(Fault("cut before", 0))
    table = f"SELECT 1 FROM {lab.Item.full_table_name}"
    with pytest.raises(LostConnectionError):
        reader.query(table)
    assert not reader.is_connected
    with pytest.raises(LostConnectionError):
        reader.ping()
    reader.connect()
    reader.query(table, reconnect=True)
    reader.close()


@pytest.mark.parametrize("mode", CUTS)
def test_a_key_whose_commit_is_not_answered_is_looked_for(lab, mode, monkeypatch):
    lab.empty()
    lab.seen(lab.Item).insert1({"item": 1})
    calls, cuts = [], []
    backend, make = type(lab.connection.backend), lab.Result.make
    execute = backend.execute

    def cut_at_the_commit(backend, raw, text, values):
        if text == "COMMIT" and not cuts:
            cuts.append(mode)
            lab.proxy.set(Fault(mode, 0))
        return execute(backend, raw, text, values)

    monkeypatch.setattr(backend, "execute", cut_at_the_commit)
    monkeypatch.setattr(lab.Result, "make", lambda self, key: (calls.append(key), make(self, key)))
    if mode == "cut after":
        assert lab.Result.populate() == {"success_count": 1, "error_list": []}
    else:
        with pytest.raises(LostConnectionError, match="committed: they were not kept"):
            lab.Result.populate()
        assert lab.column(lab.Result, "item") == []
        assert lab.Result.populate()["success_count"] == 1
    assert cuts
    assert len(calls) == (1 if mode == "cut after" else 2)
    assert lab.column(lab.Result, "item") == [1]
    assert lab.column(lab.Result.Part, "item") == [1, 1, 1]
