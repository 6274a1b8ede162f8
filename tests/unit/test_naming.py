from __future__ import annotations

import builtins

import pytest

from datajoint.errors import DataJointError
from datajoint.naming import did_you_mean, from_camel_case, is_camel_case, shorten, to_camel_case
from datajoint.utils import user_choice


@pytest.mark.parametrize(
    ("name", "expected"),
    [("#look_up", "LookUp"), ("__comp", "Comp"), ("m__p", "MP"), ("This_is_Mixed", "ThisIsMixed"), ("~jobs", "Jobs")],
)
def test_to_camel_case(name, expected):
    assert to_camel_case(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SessionTrial", "session_trial"),
        ("EMGData", "e_m_g_data"),
        ("A1B", "a1_b"),
        ("X", "x"),
        ("ProcessedEMG", "processed_e_m_g"),
    ],
)
def test_from_camel_case(name, expected):
    assert from_camel_case(name) == expected


def test_underscores_are_warned_about():
    with pytest.warns(UserWarning, match="contains underscores"):
        assert from_camel_case("Session_Trial") == "session_trial"


@pytest.mark.parametrize("name", ["session", "Ses-sion", "Sessión", "", "1A", "Line\n"])
def test_other_names_are_refused(name):
    assert not is_camel_case(name)
    with pytest.raises(DataJointError, match="CamelCase"):
        from_camel_case(name)


def test_did_you_mean():
    assert did_you_mean("sesion", ["session", "subject"]) == "Did you mean 'session'?"
    assert did_you_mean("SESSION", ["session"]) == "Did you mean 'session'?"
    assert did_you_mean("x", ["session"]) == ""


def test_shorten():
    assert shorten("ab") == "'ab'"
    assert len(shorten("x" * 10_000)) == 80
    assert shorten(list(range(1000))).endswith("…")
    assert len(shorten(b"\0" * 10_000)) == 80


class TestUserChoice:
    @pytest.fixture
    def answers(self, monkeypatch):
        given, asked = [], []

        def reply(prompt):
            asked.append(prompt)
            return given.pop(0)

        monkeypatch.setattr(builtins, "input", reply)
        return given, asked

    def test_asks_until_the_answer_is_a_choice(self, answers):
        given, asked = answers
        given += ["perhaps", "YES"]
        assert user_choice("Proceed?", default="no") == "yes"
        assert asked == ["Proceed? [yes, No]: "] * 2

    def test_an_empty_answer_means_the_default(self, answers):
        given, _ = answers
        given += [""]
        assert user_choice("Proceed?", default="no") == "no"
        given += ["", "no"]
        assert user_choice("Proceed?") == "no"

    def test_the_default_must_be_a_choice(self):
        with pytest.raises(AssertionError):
            user_choice("Proceed?", default="perhaps")
