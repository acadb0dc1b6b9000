"""Notebooks through papermill: whole or not at all, and a wrong parameter is an error before anything runs."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from fourierconv.study.execute import main

WORKING = "print('sizes', sizes, 'of', profile)"
FAILING = "raise ValueError(f'size={sizes[0]} is odd\\nsecond line')"
DYING = "import os; os._exit(9)"


def write_notebook(folder: Path, source: str) -> Path:
    path = folder / "source.ipynb"
    cells = [
        new_code_cell("profile = 'quick'\nsizes = [32, 64]", metadata={"tags": ["parameters"]}),
        new_code_cell(source),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


def execute(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fourierconv.study.execute", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_parameters_reach_the_cells_and_their_output_reaches_the_terminal(tmp_path: Path) -> None:
    output = tmp_path / "new" / "folder" / "executed.ipynb"
    done = execute(write_notebook(tmp_path, WORKING), output, "-p", "sizes", "[32, 96]", "-p", "profile", "full")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "sizes [32, 96] of full\n"
    assert [path.name for path in output.parent.iterdir()] == ["executed.ipynb"]
    cells = nbformat.read(output, as_version=4).cells
    assert cells[-1].outputs[0].text == "sizes [32, 96] of full\n"
    assert cells[1].metadata["tags"] == ["injected-parameters", "hide-cell"]


def test_a_failing_cell_leaves_an_older_output_alone(tmp_path: Path) -> None:
    output = tmp_path / "executed.ipynb"
    output.write_text("of an earlier run")
    done = execute(write_notebook(tmp_path, FAILING), output)
    assert done.returncode == 1
    assert output.read_text() == "of an earlier run"
    message = done.stderr.splitlines()[-1]
    partial = tmp_path / ".executed.partial.ipynb"
    assert "source.ipynb: cell 2 failed with ValueError: size=32 is odd (traceback in " in message
    assert str(partial) in message
    assert nbformat.read(partial, as_version=4).cells[-1].outputs[0].ename == "ValueError"


def test_a_kernel_that_dies_is_told(tmp_path: Path) -> None:
    done = execute(write_notebook(tmp_path, DYING), tmp_path / "executed.ipynb")
    assert done.returncode == 1
    assert "source.ipynb: the kernel died" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "executed.ipynb").exists()


DAMAGED = {
    "missing": (None, "no such notebook"),
    "truncated": ('{"cells": [', "not a readable notebook"),
    "not a notebook": ('{"a": 1}', "not a readable notebook"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_notebook_is_named(tmp_path: Path, case: str, capsys: pytest.CaptureFixture[str]) -> None:
    content, message = DAMAGED[case]
    source = tmp_path / "source.ipynb"
    if content is not None:
        source.write_text(content)
    assert main([str(source), str(tmp_path / "new" / "out.ipynb")]) == 1
    error = capsys.readouterr().err
    assert f"source.ipynb: {message}" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_an_unknown_parameter_is_named_with_the_known_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_notebook(tmp_path, WORKING)
    assert main([str(source), str(tmp_path / "new" / "out.ipynb"), "-p", "size", "32"]) == 1
    error = capsys.readouterr().err
    assert "source.ipynb: unknown parameter size; its parameters cell defines profile, sizes\n" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "new").exists()
