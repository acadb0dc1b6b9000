"""A book of one page, with this book's configuration."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

BOOK = Path(__file__).parents[2] / "book"
COPIED = ("_config.yml", "_ext", "references.bib")


def build(folder: Path, prose: str, values: dict[str, str] | None) -> subprocess.CompletedProcess[str]:
    """Build it below `folder` as the Makefile does; the page is `out/_build/html/index.html`."""
    source = folder / "source"
    source.mkdir()
    for name in COPIED:
        copy = shutil.copytree if (BOOK / name).is_dir() else shutil.copy
        copy(BOOK / name, source / name)
    (source / "_toc.yml").write_text("format: jb-book\nroot: index\n")
    (source / "index.md").write_text(f"# Title\n\n{prose}\n")
    if values is not None:
        (source / "values.json").write_text(json.dumps(values))
    jupyter_book = str(Path(sys.executable).with_name("jupyter-book"))
    command = [jupyter_book, "build", "-W", "-n", "-q", "--path-output", "out", "source"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
