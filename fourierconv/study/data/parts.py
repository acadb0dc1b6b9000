"""Parts of a training split: a held-out part for choosing hyperparameters, and the first so many images."""

from __future__ import annotations

import numpy as np

NUMERICS = 1  # raise it whenever another image may come into a part

SEED = 0
HELD_OUT = 0.2  # share of every class; a fifth of Imagenette gives an accuracy to 1.1 points


def in_turn(labels: np.ndarray) -> np.ndarray:  # (n,) int64 -> (n,) rows
    """Order the rows at random, but for the classes, which take turns: any beginning is as balanced as it can be.

    A class that has no rows left is passed over.

    >>> labels = np.array([0, 0, 0, 0, 1, 1])
    >>> labels[in_turn(labels)]
    array([0, 1, 0, 1, 0, 0])
    """
    shuffled = np.random.default_rng(SEED).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    turn = np.concatenate([np.arange(count) for count in np.bincount(labels)])
    return by_class[np.argsort(turn, kind="stable")]


def held_out(labels: np.ndarray) -> np.ndarray:  # (n,) int64 -> (n,) bool
    """Mark the last fifth of every class in the order of `in_turn`.

    So the first images are the same with and without a held-out part, until four fifths are taken.

    >>> held_out(np.arange(15) % 3).sum()
    np.int64(3)
    """
    order = in_turn(labels)
    marked = np.zeros(len(labels), bool)
    for label, count in enumerate(np.bincount(labels)):
        rows = order[labels[order] == label]
        marked[rows[count - round(HELD_OUT * count) :]] = True
    return marked


def rows(labels: np.ndarray, count: int | None, validation: bool) -> tuple[np.ndarray, np.ndarray]:
    """Choose the rows to train on and those that are held out, none without `validation`.

    Args:
        labels: (n,) int64.
        count: the first so many in the order of `in_turn`; None for all, in the order in which they are.
        validation: whether to hold out a part.

    Raises:
        ValueError: more than there are.

    >>> [part.tolist() for part in rows(np.arange(6) % 1, count=None, validation=True)]
    [[0, 2, 3, 4, 5], [1]]
    """
    marked = held_out(labels) if validation else np.zeros(len(labels), bool)
    if count is None:
        return np.flatnonzero(~marked), np.flatnonzero(marked)
    order = in_turn(labels)
    order = order[~marked[order]]
    if count > len(order):
        raise ValueError(f"train must be at most {len(order)}, the number of training images, got {count}")
    return order[:count], np.flatnonzero(marked)
