from __future__ import annotations

import logging
import os
import subprocess
import sys

import pytest

from datajoint.logging import JOBS, LevelAwareFormatter, logger


def python(code, **environment):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


SAY = "import datajoint as dj; dj.logger.info('hello'); dj.logger.jobs('queue'); dj.logger.debug('detail')"


def test_messages_go_to_the_standard_output():
    done = python(SAY)
    assert "hello" in done.stdout
    assert done.stderr == ""
    assert "queue" not in done.stdout


def test_the_environment_sets_stream_and_level():
    done = python(SAY, DJ_LOG_STREAM="stderr", DJ_LOG_LEVEL="debug")
    assert done.stdout == ""
    for text in ("hello", "[JOBS]: queue", "detail"):
        assert text in done.stderr


def test_an_unknown_level_is_warned_about():
    done = python(
        "import warnings; warnings.simplefilter('ignore'); import datajoint as dj; dj.logger.info('hello')",
        DJ_LOG_LEVEL="loud",
    )
    assert "hello" in done.stdout


@pytest.mark.parametrize("first", [True, False])
def test_the_programs_own_logging_is_left_alone(first):
    mine = "import logging, sys; logging.basicConfig(stream=sys.stderr, format='mine %(message)s')"
    lines = [mine, "import datajoint as dj"] if first else ["import datajoint as dj", mine]
    done = python("; ".join([*lines, "dj.logger.info('hello')"]))
    assert done.stdout == ""
    assert done.stderr.count("hello") == 1


def test_only_our_logger_has_the_method():
    assert not hasattr(logging.Logger, "jobs")
    assert logging.getLevelName(JOBS) == "JOBS"


def test_a_record_names_the_line_that_wrote_it(caplog):
    with caplog.at_level(JOBS, "datajoint"):
        logger.jobs("done %d", 3)
    assert caplog.records[0].message == "done 3"
    assert caplog.records[0].filename == "test_logging.py"


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("DEBUG", "] text"),
        ("INFO", "] text"),
        ("WARNING", "][WARNING]: text"),
        ("ERROR", "][ERROR]: text"),
        ("JOBS", "][JOBS]: text"),
    ],
)
def test_format(level, expected):
    number = logging.getLevelName(level)
    record = logging.LogRecord("datajoint", number, __file__, 1, "te%s", ("xt",), None)
    assert LevelAwareFormatter().format(record)[20:] == expected


def test_an_exception_follows_on_further_lines():
    try:
        1 / 0
    except ZeroDivisionError:
        record = logging.LogRecord("datajoint", logging.ERROR, __file__, 1, "text", (), sys.exc_info())
    first, *rest = LevelAwareFormatter().format(record).splitlines()
    assert first.endswith("[ERROR]: text")
    assert rest[-1].startswith("ZeroDivisionError")
