"""Sphinx extension: the numbers in the prose come from the study's results, never from a keyboard.

`values.json`, which `python -m fourierconv.study collect` writes and the Makefile copies beside the pages, maps names
to finished text, e.g. {"difference_window_128": "+3.1 points [1.0, 5.2]"}; a page says {{ difference_window_128 }}.
A name that the file lacks is an undefined substitution: a warning of MyST, and so the end of a strict build.
"""

import json
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError

COMMAND = "make reproduce"


def read_values(path: Path) -> dict[str, str]:
    """The mapping of names to text in `path`; a ConfigError names the path and the command that makes the file."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; `{COMMAND}` makes it") from None
    except ValueError as error:
        raise ConfigError(f"{path}: not valid JSON ({error}); `{COMMAND}` makes it again") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: a mapping is needed, not a {type(values).__name__}; `{COMMAND}` makes it again")
    for name, text in values.items():
        if not name.isidentifier() or not isinstance(text, str):
            raise ConfigError(
                f"{path}: entry {name!r}: {text!r} needs a name that is an identifier, and text as its value"
            )
    return values


def add_substitutions(app: Sphinx, config: Config) -> None:
    """Offer every value to the pages as a MyST substitution of the same name."""
    config["myst_substitutions"] = config["myst_substitutions"] | read_values(Path(app.srcdir) / "values.json")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    app.connect("config-inited", add_substitutions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
