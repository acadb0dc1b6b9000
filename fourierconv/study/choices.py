"""Checks of what a sweep is asked for: one line that names the offending value, before any run."""

import json
from collections.abc import Iterable

from fourierconv.study.store import StudyError


def require_known(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Refuse a name that is not among the known ones.

    Raises:
        StudyError: the first unknown name, with the known ones.

    >>> require_known("input", ["white"], ["white", "1/f"])
    """
    choices = list(known)
    for name in names:
        if name not in choices:
            raise StudyError(f"{kind} {name!r} is unknown; choose from {', '.join(choices)}")


def require_seeds(seeds: int) -> None:
    """Refuse a number of seeds below 1.

    Raises:
        StudyError: with the number.

    >>> require_seeds(3)
    """
    if seeds < 1:
        raise StudyError(f"seeds={seeds} must be at least 1")


def integers(value: str | Iterable[int]) -> list[int]:
    """Read a list of integers, also as text: papermill's `-p sizes '[32, 96]'` hands lists over unread.

    Raises:
        StudyError: anything else.

    >>> integers("[32, 96]"), integers((64,))
    ([32, 96], [64])
    """
    try:
        numbers = json.loads(value) if isinstance(value, str) else list(value)
    except (ValueError, TypeError):
        numbers = None
    if not isinstance(numbers, list) or not numbers or not all(type(number) is int for number in numbers):
        raise StudyError(f"{value!r} must be a list of integers such as '[32, 96]'")
    return numbers
