"""Fixtures and rules of all tests.

``--engines=sqlite,mysql,mariadb,postgresql`` chooses engines (all by default). A test that asks for `engine`, or for
something made of it, runs once on each. Servers are private to the session; ``DJ_TEST_<ENGINE>_URL`` names one instead.

==================  ===================================================================================================
`engine`            the engine's name
`url`               the address of a database on it; a fresh file for SQLite
`settings`          fresh settings, without files and prompts
`connection`        a connection of this test alone
`new_connection`    makes further ones, closed at the end
`schema_name`       the name of a schema that no other test uses; what was made under it is dropped at the end
`new_schema_name`   makes further names
`schema`            a `dj.Schema` on `connection`
`new_schema`        makes further ones
`module_schema`     one for all tests of a module
`s3_endpoint`       the address of a server that speaks S3
`new_store`         makes settings of empty stores: ``new_store("file")``, ``"memory"``, ``"s3"``
==================  ===================================================================================================
"""

from __future__ import annotations

import itertools
import logging
import multiprocessing
import os
import random
import threading
from collections import defaultdict
from pathlib import Path

import hypothesis
import psutil
import pytest

from tests.capabilities import ENGINES, reason_to_fail
from tests.provision.pool import Pool, keeper_pids
from tests.provision.servers import MYSQL_TOOL, OBJECT_STORE, MissingServerError, connect_raw

BUDGETS = {
    "unit": 60,
    "behaviour": 300,
    "interop": 90,
    "properties": 180,
    "concurrency": 90,
    "faults": 90,
    "jupyter": 180,
    "notebooks": 120,
    "documentation": 60,
}
"""Seconds that a suite may take; the summary tells."""

_POOL = pytest.StashKey[Pool]()
_IS_CI = os.environ.get("CI", "").lower() == "true"

# `make test` samples, `make test-full` (--hypothesis-profile=full) looks longer.
hypothesis.settings.register_profile("sampled", max_examples=60, deadline=None, print_blob=True)
hypothesis.settings.register_profile("full", max_examples=1000, deadline=None, print_blob=True)
hypothesis.settings.load_profile("sampled")

# The person's own settings must not reach the tests.
for _variable in [name for name in os.environ if name.upper().startswith("DJ_") and not name.startswith("DJ_TEST_")]:
    del os.environ[_variable]
os.environ["DJ_IGNORE_CONFIG_FILE"] = "true"


# --- the session
def pytest_addoption(parser):
    parser.addoption("--engines", default=",".join(ENGINES), help="comma-separated engines to test (default: all)")


def pytest_configure(config):
    config.addinivalue_line("markers", "differs(difference): must fail on the engines that tests/capabilities.py names")
    unknown = set(_engines(config)) - set(ENGINES)
    if unknown:
        raise pytest.UsageError(f"--engines: unknown {', '.join(sorted(unknown))}; there are {', '.join(ENGINES)}.")
    os.environ.setdefault("DJ_TEST_SEED", str(random.randrange(10**6)))  # noqa: S311 - no secret; the workers inherit it
    worker = getattr(config, "workerinput", None)
    config.stash[_POOL] = Pool(Path(worker["servers"]), worker["owner"]) if worker else Pool.create()


def pytest_report_header():
    return f"sampled faults: DJ_TEST_SEED={os.environ['DJ_TEST_SEED']}"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    pool = node.config.stash[_POOL]
    node.workerinput["servers"], node.workerinput["owner"] = str(pool.folder), pool.owner


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Let one worker have all tests in the browser: xdist's own groups are lost on pytest 9.2, which forgets their names."""
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return "browser" if nodeid.startswith("tests/jupyter/browser/") else nodeid

    return Scheduling(config, log)


def pytest_unconfigure(config):
    pool = config.stash.get(_POOL, None)
    if pool and pool.owner == os.getpid():
        pool.close()


def pytest_generate_tests(metafunc):
    if "engine" in metafunc.fixturenames:
        metafunc.parametrize("engine", _engines(metafunc.config), scope="session", indirect=True)


def pytest_collection_modifyitems(items):
    for item in items:
        reason = reason_to_fail(item)
        if reason:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


def pytest_terminal_summary(terminalreporter, config):
    missing = config.stash[_POOL].missing()
    for engine, reason in missing.items():
        terminalreporter.write_line(f"NOT TESTED on {engine}: {reason}", red=True, bold=True)
    spent = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            parts = Path(getattr(report, "nodeid", "").partition("::")[0]).parts
            if hasattr(report, "duration") and len(parts) > 2:
                spent[parts[1]] += report.duration
    workers = max(
        len(getattr(config.pluginmanager.get_plugin("dsession"), "_active_nodes", ()) or ()), _workers(config)
    )
    for suite, seconds in sorted(spent.items()):
        budget = BUDGETS.get(suite)
        wall = seconds / workers
        over = budget is not None and wall > budget
        terminalreporter.write_line(f"suite {suite}: {wall:.1f} s of {budget or '-'} s", yellow=over, bold=over)


def _engines(config):
    return [name for name in config.getoption("--engines").split(",") if name]


def _workers(config):
    return len(getattr(config.option, "tx", None) or ()) or 1


# --- engines
@pytest.fixture(scope="session")
def engine(request):
    """The name of an engine that can be had; else the test is skipped, or fails where CI=true."""
    name = request.param
    if name != "sqlite":
        try:
            request.config.stash[_POOL].url(name)
        except MissingServerError as error:
            # MySQL has no package everywhere: its absence is a fault only where its tool or its address is given.
            may_be_absent = name == "mysql" and not MYSQL_TOOL.exists()
            (pytest.fail if _IS_CI and not may_be_absent else pytest.skip)(f"{name} cannot be had: {error}")
    return name


@pytest.fixture
def url(engine, request, tmp_path):
    """The address of a database on the engine: a fresh file, or the session's server."""
    return f"sqlite:///{tmp_path / 'test.db'}" if engine == "sqlite" else request.config.stash[_POOL].url(engine)


@pytest.fixture
def settings(monkeypatch):
    """Fresh settings that read no file and ask no question."""
    from datajoint.settings import Config

    monkeypatch.setenv("DJ_IGNORE_CONFIG_FILE", "true")
    return Config(safemode=False)


@pytest.fixture
def new_connection(url, settings, new_schema_name):  # after the names, so that it is closed before they are dropped
    """Make connections to the engine, closed after the test."""
    import datajoint as dj

    made = []

    def make(**arguments):
        made.append(
            dj.Connection(arguments.pop("url", url), config_override=arguments.pop("settings", settings), **arguments)
        )
        return made[-1]

    yield make
    for connection in made:
        connection.close()


@pytest.fixture
def connection(new_connection):
    """A connection of this test alone."""
    return new_connection()


# --- stores
@pytest.fixture(scope="session")
def s3_endpoint(request):
    """The address of a server that speaks S3, private to the session."""
    return request.config.stash[_POOL].url(OBJECT_STORE)


@pytest.fixture
def new_store(request, tmp_path):
    """Make settings of empty stores, each in a folder, an address of memory, or a bucket of its own."""

    def make(protocol="file", **settings):
        number = next(_numbers)
        if protocol == "file":
            folder = tmp_path / f"store{number}"
            folder.mkdir()
            return {"protocol": "file", "location": str(folder), **settings}
        if protocol == "memory":
            return {"protocol": "memory", "location": f"test{os.getpid()}-{number}", **settings}
        from datajoint.storage import StorageBackend

        spec = {
            "protocol": "s3", "endpoint": request.getfixturevalue("s3_endpoint"), "bucket": f"b{os.getpid()}-{number}",
            "location": "some/where", "access_key": "user", "secret_key": "secret", "secure": False, **settings,
        }  # fmt: skip
        StorageBackend(spec).fs.mkdir(spec["bucket"])
        return spec

    return make


# --- schemas
_numbers = itertools.count(1)


@pytest.fixture
def new_schema_name(engine, url):
    """Make names of schemas that no other test uses; what was made under them is dropped after the test."""
    names = []

    def make(suffix="s"):
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        names.append(f"t{os.getpid()}_{worker}_{next(_numbers)}_{suffix}")
        return names[-1]

    yield make
    if engine != "sqlite" and names:
        _drop(url, names)


def _drop(url, names):
    connection = connect_raw(url)
    try:
        cursor = connection.cursor()
        if url.startswith("postgresql"):
            cursor.execute("SET lock_timeout = '10s'")
            cursor.execute("SET client_min_messages = warning")
            for name in names:
                cursor.execute(f'DROP SCHEMA IF EXISTS "{name}" CASCADE')
        else:
            cursor.execute("SET SESSION lock_wait_timeout = 10, SESSION foreign_key_checks = 0")
            for name in names:
                cursor.execute(f"DROP DATABASE IF EXISTS `{name}`")
        cursor.close()
    finally:
        connection.close()


@pytest.fixture
def schema_name(new_schema_name):
    """The name of a schema that no other test uses."""
    return new_schema_name()


@pytest.fixture
def new_schema(connection, new_schema_name):
    """Make schemas on `connection`."""
    import datajoint as dj

    def make(suffix="s", **arguments):
        return dj.Schema(new_schema_name(suffix), connection=arguments.pop("connection", connection), **arguments)

    return make


@pytest.fixture
def schema(new_schema):
    """A schema on `connection`."""
    return new_schema()


@pytest.fixture(scope="module")
def module_schema(engine, request, tmp_path_factory):
    """A schema on a connection of its own, shared by the tests of a module."""
    import datajoint as dj
    from datajoint.settings import Config

    is_file = engine == "sqlite"
    address = (
        f"sqlite:///{tmp_path_factory.mktemp('db') / 'test.db'}" if is_file else request.config.stash[_POOL].url(engine)
    )
    connection = dj.Connection(address, config_override=Config(safemode=False))
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"t{os.getpid()}_{worker}_{next(_numbers)}_m"
    yield dj.Schema(name, connection=connection)
    connection.close()
    if not is_file:
        _drop(address, [name])


# --- nothing is left behind
@pytest.fixture(autouse=True)
def _logging():
    """Begin each test with the library's logger as it is after import, whatever levels were tried before."""
    logger = logging.getLogger("datajoint")
    logger.propagate, logger.disabled = True, False
    logger.setLevel(logging.INFO)


@pytest.fixture(autouse=True)
def _no_thread_left():
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    for thread in left:
        thread.join(1.0)
    alive = [thread.name for thread in left if thread.is_alive()]
    assert not alive, f"The test left threads running: {alive}"


@pytest.fixture(autouse=True, scope="session")
def _no_process_left():
    before = set(psutil.Process().children(recursive=True))
    yield
    multiprocessing.active_children()  # reaps those that have ended
    left = [p for p in psutil.Process().children() if p not in before and p.pid not in keeper_pids() and _is_ours(p)]
    assert not left, f"The tests left processes running: {left}"


def _is_ours(process):
    """Tell a process that a test forgot from the helpers that multiprocessing keeps until the interpreter ends."""
    try:
        command = " ".join(process.cmdline())
        return (
            process.status() != psutil.STATUS_ZOMBIE
            and "resource_tracker" not in command
            and "forkserver" not in command
        )
    except psutil.NoSuchProcess:
        return False
