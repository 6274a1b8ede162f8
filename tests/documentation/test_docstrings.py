"""Every public name is documented, and examples in docstrings are true."""

from __future__ import annotations

import builtins
import doctest
import importlib
import inspect
import pkgutil

import pytest

import datajoint as dj
import datajoint_jupyter

_VALUES = {"config", "errors", "logger"}


@pytest.mark.parametrize("name", sorted(set(dj.__all__) - _VALUES))
def test_public_names_are_documented(name):
    thing = getattr(dj, name)
    if isinstance(thing, str):
        return
    assert inspect.getdoc(thing), f"dj.{name} has no docstring"
    if inspect.isclass(thing):
        bare = [
            member
            for member, value in vars(thing).items()
            if not member.startswith("_")
            and (callable(value) or isinstance(value, property))
            and not inspect.getdoc(value)
        ]
        assert bare == [], f"dj.{name}: {bare}"


@pytest.mark.parametrize("name", datajoint_jupyter.__all__)
def test_the_notebook_side_is_documented(name):
    assert inspect.getdoc(getattr(datajoint_jupyter, name))


def _modules():
    return [m.name for m in pkgutil.walk_packages(dj.__path__, "datajoint.") if not m.name.endswith("__main__")]


@pytest.mark.parametrize("name", _modules())
def test_examples_in_docstrings_are_true(name):
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        pytest.skip(str(error))
    try:
        assert doctest.testmod(module).failed == 0
    finally:
        vars(builtins).pop("_", None)  # the last value shown, which would hide IPython's own
