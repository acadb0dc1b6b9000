"""Numbers in the prose: every one comes from values.json, and a book without them is not built."""

from pathlib import Path

import pytest
from sphinx.errors import ConfigError

from book._ext.results import read_values
from tests.book.one_page import build

BAD = {
    "no file": (None, r"values\.json: no such file; `make reproduce` makes it"),
    "a file cut short": ('{"gain": ', r"values\.json: not valid JSON .* makes it again"),
    "a list": ("[1]", r"values\.json: a mapping is needed, not a list"),
    "a name with a dash": ('{"gain-32": "+1.0"}', r"values\.json: entry 'gain-32': '\+1\.0' needs a name"),
    "a bare number": ('{"gain": 1.0}', r"values\.json: entry 'gain': 1\.0 needs .* text as its value"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_values_are_named_with_the_command_that_makes_them(tmp_path: Path, case: str) -> None:
    content, message = BAD[case]
    if content is not None:
        (tmp_path / "values.json").write_text(content)
    with pytest.raises(ConfigError, match=message) as caught:
        read_values(tmp_path / "values.json")
    assert "\n" not in str(caught.value)


def test_a_value_reaches_the_page(tmp_path: Path) -> None:
    done = build(tmp_path, "A gain of {{ gain }}, and $\\hat W$.", {"gain": "+1.5 points [0.5, 2.5]"})
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "out" / "_build" / "html" / "index.html").read_text()
    assert "A gain of +1.5 points [0.5, 2.5], and" in page


def test_a_name_without_a_value_stops_the_build(tmp_path: Path) -> None:
    done = build(tmp_path, "A gain of {{ gain }}.", {"loss": "0"})
    assert done.returncode != 0
    assert "'gain' is undefined" in done.stderr


def test_a_book_without_values_is_not_built(tmp_path: Path) -> None:
    done = build(tmp_path, "A gain of {{ gain }}.", None)
    assert done.returncode != 0
    assert "values.json: no such file; `make reproduce` makes it" in done.stderr
