"""The logger of the library, named ``datajoint``.

A handler is added only where the program has none of its own, and it is silent once the root logger gets one, so that
no message appears twice. ``DJ_LOG_STREAM=stderr`` sends it to the standard error stream. The level comes from
``DJ_LOG_LEVEL`` in any case, later from the setting ``loglevel``. ``JOBS`` (15) lies between DEBUG and INFO;
``logger.jobs(message)`` writes at it.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
import warnings
from typing import Any, TextIO

JOBS = 15
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
DEFAULT_LEVEL = "INFO"


class LevelAwareFormatter(logging.Formatter):
    """``[time] message`` up to INFO, ``[time][LEVEL]: message`` for JOBS and from WARNING on."""

    default_msec_format = ""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - name fixed by the standard library
        """Return the line without exception and stack, which the base class appends."""
        when = self.formatTime(record, "%Y-%m-%d %H:%M:%S")
        plain = record.levelno <= logging.INFO and record.levelno != JOBS
        return f"[{when}] {record.message}" if plain else f"[{when}][{record.levelname}]: {record.message}"

    def usesTime(self) -> bool:  # noqa: N802 - as above
        """Return False: `formatMessage` makes the time itself."""
        return False


class _Handler(logging.StreamHandler[TextIO]):
    """Write to what ``sys.stdout`` or ``sys.stderr`` is at the moment: notebooks and tests replace them."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(LevelAwareFormatter())

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # looked up at every record, never stored
        return sys.stderr if os.environ.get("DJ_LOG_STREAM", "").lower() == "stderr" else sys.stdout

    def filter(self, record: logging.LogRecord) -> Any:  # bool; from Python 3.12 on also a record
        """Let a record pass unless the root logger will show it too."""
        return not logging.getLogger().handlers and super().filter(record)


def level_from_environment() -> str | None:
    """Return the level that ``DJ_LOG_LEVEL`` names, in upper case, or None; an unknown name is warned about."""
    value = os.environ.get("DJ_LOG_LEVEL", "").strip()
    if not value:
        return None
    if value.upper() not in (*LEVELS, "JOBS"):
        warnings.warn(
            f"DJ_LOG_LEVEL is {value!r}, which is no level. It is ignored; use one of {', '.join(LEVELS)}.",
            stacklevel=2,
        )
        return None
    return value.upper()


def _set_up() -> logging.Logger:
    logging.addLevelName(JOBS, "JOBS")
    result = logging.getLogger("datajoint")
    if not result.hasHandlers():
        result.addHandler(_Handler())
    if result.level == logging.NOTSET:  # a level that the program has chosen stays
        result.setLevel(level_from_environment() or DEFAULT_LEVEL)
    # On this logger only: `logging.Logger` belongs to everybody.
    setattr(result, "jobs", functools.partial(result.log, JOBS))  # noqa: B010 - a name that Logger does not declare
    return result


logger: Any = _set_up()
