"""Every public name says what it does, with shapes, errors, a source where it has one, and an example that runs."""

import inspect
import re
from typing import Any

import pytest

from tests.public_names import CONTRACT, FUNCTIONS, KINDS, LAYERS, METHODS, PROPERTIES


def documentation(value: Any) -> str:
    text = inspect.getdoc(value)
    assert text is not None
    return text


def arguments(function: Any) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name not in ("self", "args")]


@pytest.mark.parametrize("name", [*LAYERS, *METHODS, *PROPERTIES, *FUNCTIONS, *CONTRACT, *KINDS])
def test_the_first_line_is_a_sentence(name: str) -> None:
    value = {**LAYERS, **METHODS, **PROPERTIES, **FUNCTIONS, **CONTRACT, **KINDS}[name]
    first = documentation(value).split("\n\n")[0]
    assert first.endswith("."), first


@pytest.mark.parametrize("name", [*LAYERS, *METHODS, *FUNCTIONS, *CONTRACT, *KINDS])
def test_there_is_an_example(name: str) -> None:
    """Doctests run with the suite."""
    assert "\n>>> " in documentation({**LAYERS, **METHODS, **FUNCTIONS, **CONTRACT, **KINDS}[name])


@pytest.mark.parametrize("name", [*METHODS, *FUNCTIONS, *CONTRACT])
def test_every_argument_is_explained(name: str) -> None:
    """Under Args, or by the comment with its shape behind it in the source, as in a function that refers to another."""
    function = {**METHODS, **FUNCTIONS, **CONTRACT}[name]
    text, source = documentation(function), inspect.getsource(function).partition('"""')[0]
    explained = set(re.findall(r"\w+", " ".join(re.findall(r"^    ([\w, ]+): ", text, flags=re.MULTILINE))))
    explained |= set(re.findall(r"^    (\w+):.*  # ", source, flags=re.MULTILINE))
    if "; see `" in text:
        explained |= {"stride", "padding", "dilation", "groups", "padding_mode", "output_padding"}
    assert set(arguments(function)) <= explained


@pytest.mark.parametrize("name", [*METHODS, *FUNCTIONS])
def test_what_it_raises_is_named(name: str) -> None:
    function = {**METHODS, **FUNCTIONS}[name]
    raised = set(re.findall(r"raise (\w+)\(", inspect.getsource(function)))
    text = documentation(function)
    assert all(f"{error}" in text.partition("Raises:")[2] for error in raised)


@pytest.mark.parametrize("name", [name for name in KINDS if name not in ("spatial", "dyadic")])
def test_a_parameterization_says_what_it_can_represent_and_where_it_comes_from(name: str) -> None:
    text = documentation(KINDS[name])
    assert "Source" in text or "Henaff" in text or "arXiv" in text
    assert re.search("[Rr]epresents|baseline|defects", text)


def test_all_of_the_public_surface_is_here() -> None:
    assert len(LAYERS) == 3
    assert {"spectrum", "kernel", "extent", "mass_curve", "singular_values", "operator_norm", "refresh"} <= {
        name.rpartition(".")[2] for name in METHODS
    }
    assert {"conv1d", "conv_transpose3d", "spectral_conv", "sobolev", "size", "get"} <= {
        name.rpartition(".")[2] for name in FUNCTIONS
    }
