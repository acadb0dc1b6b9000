"""The experiments: functions of a frozen config, each module one question."""

from fourierconv.study.experiments import classification, image_size, own_network, size_recovery
from fourierconv.study.store import Experiment

EXPERIMENTS: dict[str, Experiment] = {
    module.NAME: module for module in (size_recovery, image_size, own_network, classification)
}

__all__ = ["EXPERIMENTS"]
