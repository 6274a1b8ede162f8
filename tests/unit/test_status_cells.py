"""What a few numbers say of a cell."""

from __future__ import annotations

import itertools

import pytest

from datajoint.diagram import TableStatus
from datajoint.status.cells import STATES, Counts, judge
from datajoint_jupyter.display.diagram import badge, state_of, status_words, together
from datajoint_jupyter.display.matrix import MEANINGS, SIGNS


@pytest.mark.parametrize(
    ("counts", "computed", "waiting", "state", "text"),
    [
        (Counts(1, 1), True, False, "done", ""),
        (Counts(3, 3, errors=1), True, True, "done", "3"),  # an error that was made good
        (Counts(3, 1, running=1, errors=1), True, False, "running", "1/3"),
        (Counts(3, 1, errors=1), True, False, "error", "1/3"),
        (Counts(3, 1, ignored=1), True, False, "pending", "1/3"),
        (Counts(3, 1, ignored=2), True, False, "ignored", "1/3"),
        (Counts(2000, 1000), True, False, "pending", "1,000/2,000"),
        (Counts(), True, True, "blocked", ""),
        (Counts(), True, False, "excluded", ""),
        (Counts(), False, True, "empty", ""),
        (Counts(4, 4), False, False, "done", "4"),
    ],
)
def test_states(counts, computed, waiting, state, text):
    cell = judge(counts, computed=computed, waiting=waiting)
    assert (cell.state, cell.text) == (state, text)


def test_a_table_below_waits_unless_there_is_nothing_left_to_come():
    numbers = (0, 1, 2)
    for total, done, running, errors, ignored in itertools.product(numbers, repeat=5):
        if done > total:
            continue
        for computed, waiting in itertools.product((True, False), repeat=2):
            cell = judge(Counts(total, done, running, errors, ignored), computed=computed, waiting=waiting)
            assert cell.state in STATES
            assert cell.is_open == (cell.state not in {"done", "excluded"})


def test_every_state_has_a_sign_of_its_own():
    assert set(SIGNS) == set(MEANINGS) == set(STATES)
    assert len(set(SIGNS.values())) == len(STATES)


@pytest.mark.parametrize(
    ("status", "state", "sign", "words"),
    [
        (TableStatus(done=0, total=0), "", "", "no keys"),
        (TableStatus(done=1, total=2), "pending", "○", "1 of 2 keys"),
        (TableStatus(done=2, total=2, running=0, errors=0), "done", "✓", "2 of 2 keys"),
        (TableStatus(done=1, total=4, running=2, errors=1), "error", "▶2 ✕1", "1 of 4 keys, 2 running, 1 failed"),
        (TableStatus(running=1, errors=0), "running", "▶1", "1 running"),
        (TableStatus(), "", "", ""),
    ],
)
def test_status_of_boxes(status, state, sign, words):
    assert (state_of(status), badge(status), status_words(status)) == (state, sign, words)


def test_boxes_of_several_tables():
    assert together([]) is None
    assert together([TableStatus(done=1, total=2), TableStatus(done=1, total=1, errors=3)]) == TableStatus(
        done=2, total=3, errors=3
    )
