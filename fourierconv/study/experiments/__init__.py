"""The experiments: functions of a frozen config, each module one question."""

from fourierconv.study.experiments import image_size, own_network, size_recovery
from fourierconv.study.store import Experiment

EXPERIMENTS: dict[str, Experiment] = {module.NAME: module for module in (size_recovery, image_size, own_network)}

__all__ = ["EXPERIMENTS"]
