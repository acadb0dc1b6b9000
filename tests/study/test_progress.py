"""What a sweep shows on a terminal: a bar weighted by cost, a row for each run, failures that stay."""

import io
import sys

import pytest

from fourierconv.study.progress import Bar, Lines, progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_and_everything_else_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(progress(1.0, 0.0), Lines)
    monkeypatch.setattr(sys, "stdout", Terminal())
    shown = progress(1.0, 0.0)
    shown.close()
    assert isinstance(shown, Bar)


def test_the_bar_shows_costs_last_lines_and_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    shown = Bar(total=8.0, done=2.0)
    shown.line("toy size=32", "epoch 1/2")
    shown.line("toy size=64", "epoch 1/2")
    shown.ended("toy size=32", "[2/3] toy size=32: FAILED: ValueError", cost=2.0, failed=True)
    shown.ended("toy size=64", "[3/3] toy size=64: done in 3.0 s", cost=4.0, failed=False)
    shown.close()
    said = terminal.getvalue()
    assert [part in said for part in ("25% |", "50% |", "100% |")] == [True] * 3
    assert "toy size=64: epoch 1/2" in said
    # tqdm writes above its bars what ends in a newline, and that alone stays
    assert "[2/3] toy size=32: FAILED: ValueError\n" in said
    assert "done in 3.0 s\n" not in said
