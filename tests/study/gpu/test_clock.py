"""Time and memory as a CUDA device tells them, by a device that is played."""

from functools import partial

import pytest
import torch

from fourierconv.study.bench import clock


class Event:
    """Of a stream on which a call takes 10 ms."""

    calls = 0

    def __init__(self, enable_timing: bool) -> None:
        assert enable_timing
        self.at = -1

    def record(self) -> None:
        self.at = Event.calls

    def synchronize(self) -> None:
        assert self.at >= 0

    def elapsed_time(self, other: "Event") -> float:
        return 10.0 * (other.at - self.at)


def call() -> None:
    Event.calls += 1


def test_a_device_is_timed_by_its_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "Event", Event)
    assert clock.seconds(call, calls=5, device="cuda") == pytest.approx(0.01)
    assert Event.calls == 5


def test_the_cpu_is_timed_by_its_clock() -> None:
    before = Event.calls
    assert clock.seconds(call, calls=3) > 0
    assert Event.calls == before + 3


def test_memory_counts_beyond_what_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(name: str, value: int) -> int:
        asked.append(name)
        return value

    for name, value in {
        "synchronize": 0, "reset_peak_memory_stats": 0, "memory_allocated": 100, "max_memory_allocated": 350
    }.items():  # fmt: skip
        monkeypatch.setattr(torch.cuda, name, partial(answer, name, value))
    assert clock.peak(lambda: asked.append("work"), "cuda") == 250
    assert asked == [
        "synchronize", "memory_allocated", "reset_peak_memory_stats", "work", "synchronize", "max_memory_allocated"
    ]  # fmt: skip
    assert clock.peak(call, "cpu") is None
