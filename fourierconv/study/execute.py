"""Execute a notebook with papermill, so that its output file exists only when every cell succeeded.

Papermill by itself leaves a half-executed notebook behind when a cell fails, and only warns about a parameter
that the notebook does not have. Here names are checked before the kernel starts, the notebook is executed under
a temporary name in the output's folder, and moved into place at the end.

    python -m fourierconv.study.execute notebooks/06_image_size.ipynb out.ipynb -p sizes '[32, 96]' -p seeds 5
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError


class NotebookError(Exception):
    """A notebook that cannot be executed, or a cell of it that failed: one line, for the person at the terminal."""


def parse_value(text: str) -> object:
    """A parameter's value from the command line: JSON where it is JSON, else the text itself.

    >>> parse_value("[32, 96]"), parse_value("5"), parse_value("1e-3"), parse_value("quick")
    ([32, 96], 5, 0.001, 'quick')
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def check_parameters(notebook: Path, names: Sequence[str]) -> None:
    """Raise a NotebookError unless `notebook` is a notebook whose parameters cell defines every one of `names`."""
    if not notebook.is_file():
        raise NotebookError(f"{notebook}: no such notebook")
    try:
        known = papermill.inspect_notebook(str(notebook))
    except Exception as error:  # whatever a damaged file makes nbformat raise
        reason = str(error).partition("\n")[0]
        raise NotebookError(f"{notebook}: not a readable notebook ({type(error).__name__}: {reason})") from error
    unknown = [name for name in names if name not in known]
    if unknown:
        raise NotebookError(
            f"{notebook}: unknown parameter {', '.join(unknown)}; "
            f"its parameters cell defines {', '.join(known) or 'none'}"
        )


def execute(notebook: Path, output: Path, parameters: dict[str, object]) -> None:
    """Execute `notebook` with `parameters` and write the executed copy to `output`, whole or not at all.

    The kernel is this environment's `python3`, its working directory the caller's, and what the cells print is
    printed here as well.

    Raises:
        NotebookError: the notebook is missing or damaged, does not define a parameter, or one of its cells failed;
            then the notebook as far as it came stays beside the output, under the name in the message.
    """
    check_parameters(notebook, list(parameters))
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(f".{output.stem}.partial.ipynb")
    try:
        papermill.execute_notebook(
            str(notebook),
            str(partial),
            parameters,
            kernel_name="python3",
            progress_bar=False,
            extra_arguments=["--log-level=CRITICAL"],  # the kernel's remarks on its transport; cells print as ever
            stdout_file=sys.stdout,
            stderr_file=sys.stderr,
        )
    except DeadKernelError as error:
        raise NotebookError(
            f"{notebook}: the kernel died, perhaps for want of memory (as far as it came: {partial})"
        ) from error
    except PapermillExecutionError as error:
        reason = str(error.evalue).partition("\n")[0]
        raise NotebookError(
            f"{notebook}: cell {error.exec_count} failed with {error.ename}: {reason} (traceback in {partial})"
        ) from error
    _fold_injected(partial)
    partial.replace(output)


def _fold_injected(executed: Path) -> None:
    """Fold away, on the page, the cell in which papermill repeats the parameters that it was given."""
    notebook = nbformat.read(executed, as_version=4)
    for cell in notebook.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.metadata["tags"].append("hide-cell")
    nbformat.write(notebook, executed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status, 1 after a NotebookError."""
    parser = argparse.ArgumentParser(
        prog="python -m fourierconv.study.execute",
        description="Execute a notebook; the output file appears only when every cell succeeded.",
    )
    parser.add_argument("notebook", type=Path, help="source notebook, with one cell tagged 'parameters'")
    parser.add_argument("output", type=Path, help="where the executed copy goes")
    parser.add_argument(
        "-p",
        dest="parameters",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="a parameter, e.g. -p sizes '[32, 96]' (JSON, or plain text); may be repeated",
    )
    options = parser.parse_args(arguments)
    try:
        execute(options.notebook, options.output, {name: parse_value(text) for name, text in options.parameters})
    except (NotebookError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
