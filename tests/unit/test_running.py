"""The tables that a statement names, and a sentence about it; whose statement may be ended."""

from __future__ import annotations

import pytest

import datajoint as dj
from datajoint.backends.base import Process
from datajoint.connection.running import described_running


@pytest.mark.parametrize(
    ("statement", "classes"),
    [
        (
            "SELECT `t1`.`a` AS `a` FROM `lab`.`session` AS `t1` JOIN `lab`.`__scan__field` ON 1",
            ("Session", "Scan.Field"),
        ),
        ('INSERT INTO "lab"."#kind" ("a") VALUES (1)', ("Kind",)),
        ("UPDATE `lab._score` SET `a` = 1", ("Score",)),
        ("DELETE FROM `lab`.`session` WHERE `a` IN (SELECT `a` FROM `lab`.`session`)", ("Session",)),
        ("ALTER TABLE `lab`.`session` ADD `b` INT", ("Session",)),
        ("SELECT 1", ()),
        ("<insufficient privilege>", ()),
        (None, ()),
    ],
)
def test_tables_of_a_statement(statement, classes):
    found = described_running(Process(7, "ann", "lab-pc", statement, 2.04))
    assert found.table_classes == classes
    assert str(found).startswith("ann@lab-pc (number 7) is at work for 2.0 s")
    assert all(name in str(found) for name in classes)


def test_another_persons_statement_is_not_ended(monkeypatch):
    with dj.Connection("sqlite://") as connection:
        backend = connection.backend
        monkeypatch.setattr(backend, "working", lambda execute, target: [Process(7, "ann", "lab-pc", "SELECT 1", 2.0)])
        monkeypatch.setattr(backend, "end_statement", lambda number: f"SELECT {number}")
        monkeypatch.setattr(backend, "user", lambda execute: "bob@laptop")
        with pytest.raises(
            dj.DataJointError, match=r"Session 7 belongs to ann, and you are bob\. Ask ann to end the statement"
        ):
            connection.end_running(7)
