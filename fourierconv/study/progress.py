"""What a sweep says while it runs: plain lines, or on a terminal a bar over its runs, weighted by their cost."""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Protocol


class Progress(Protocol):
    """Where a sweep reports."""

    def line(self, name: str, line: str) -> None:
        """Show a line that a run reported."""

    def ended(self, name: str, text: str, cost: float, failed: bool) -> None:
        """Show that a run ended; `text` has a position such as [3/12] and the run's name in it."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class Lines:
    """One line for everything, which reads well in a log."""

    def line(self, name: str, line: str) -> None:
        """Print the line after the run's name."""
        print(f"{name}: {line}", flush=True)

    def ended(self, name: str, text: str, cost: float, failed: bool) -> None:
        """Print the text."""
        print(text, flush=True)

    def close(self) -> None:
        """Do nothing."""


class Bar:
    """A bar for the sweep and, below it, the last line of every run that is being done; failures stay above."""

    def __init__(self, total: float, done: float) -> None:
        from tqdm import tqdm  # need not be where `gpu` runs

        self.new: Callable[..., Any] = lambda **options: tqdm(
            file=sys.stdout, dynamic_ncols=True, leave=False, **options
        )
        self.bar = self.new(total=total, initial=done, bar_format="{percentage:3.0f}% |{bar:30}| {desc}")
        self.rows: dict[str, Any] = {}
        self.free: list[Any] = []

    def line(self, name: str, line: str) -> None:
        """Show the line in the run's row."""
        if name not in self.rows:
            self.rows[name] = self.free.pop() if self.free else self.new(total=0, bar_format="  {desc}")
        self.rows[name].set_description_str(f"{name}: {line}")

    def ended(self, name: str, text: str, cost: float, failed: bool) -> None:
        """Move the bar, and leave a failure above it."""
        if name in self.rows:
            row = self.rows.pop(name)
            row.set_description_str("")
            self.free.append(row)
        if failed:
            self.bar.write(text, file=sys.stdout)
        self.bar.set_description_str(text, refresh=False)
        self.bar.update(cost)
        self.bar.refresh()

    def close(self) -> None:
        """Remove all rows."""
        for row in (*self.rows.values(), *self.free, self.bar):
            row.close()


def progress(total: float, done: float) -> Progress:
    """Return a bar where the output is a terminal, else lines; `total` and `done` are sums of costs."""
    if sys.stdout.isatty() and find_spec("tqdm"):
        return Bar(total, done)
    return Lines()
