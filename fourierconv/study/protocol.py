"""The protocol in code: every question as the trainings that answer it, with their budgets, seeds and priorities.

`book/protocol.md` says why, and what would refute what. Deviations from it are listed there.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, wraps
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

from fourierconv.study.experiments.classification import TEST_SIZES, Config
from fourierconv.study.store import StudyError, repository_root
from fourierconv.study.tables import Row, from_csv

Found = TypeVar("Found")

ALL_RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)  # of which a search takes what it needs
RATES = ALL_RATES[2:6]  # learning rates of Adam that are tried for every contender
SGD_RATES = ALL_RATES[4:8]
RATES_TABLE = Path("book", "results", "tuning", "classification.csv")  # of the repository
CHOICE_TABLE = Path("book", "results", "full", "classification.csv")
BEST_RATES, RATE_SEEDS = 2, 2  # so many rates are tried with so many seeds
PILOT_RATE = 0.003  # of Adam; the pilot came before the search
TUNED_AT = 64  # pixels
PILOT_SEED = 100  # of no other profile, so that a pilot's run is never one of theirs

FIXED = tuple(f"conv2d_{k}" for k in (3, 5, 7, 9, 11, 15, 21, 31))
LEARNED = ("spline", "window_5", "window_31", "scaled_layer", "scaled_channel", "scaled_layer_7", "scaled_channel_7")
FIELD = (
    *("free_21", "truncated", "dyadic", "dyadic_7", "window", "window_31_channel", "spline_window"),
    *("free_window", "hermite", "hermite_channel", "spacings", "implicit", "implicit_window"),
)
REPAIRS = ("bilinear", "spline_open", "spline_even", "spline")  # the predecessor's construction, a defect less each
HEADLINE = ("conv2d_5", "scaled_channel")
LETTERS = ("conv2d_5", "conv2d_11", "conv2d_21", "spectral", *LEARNED)
PHOTOS = (
    *("conv2d_3", "conv2d_5", "conv2d_11", "conv2d_21", "spectral"),
    *("spline", "window_31", "scaled_layer", "scaled_channel"),
)
CONTENDERS = {"letters": LETTERS, "imagenette": PHOTOS}  # of the first question
SIZES = (32, 64, 128)
COORDINATES = ("spectral", "spline")  # two kinds of kernels whose size is fixed
CAN_GROW = (
    "window_31",
    "scaled_layer",
    "scaled_channel",
    "scaled_layer_7",
    "scaled_channel_7",
)  # learned, of questions 1 and 2

KEPT = ("conv2d_5", "spline", "scaled_layer", "scaled_channel")  # whose first seed leaves its weights

# The same for all contenders.
WIDTHS = (8, 16, 32)
EPOCHS = 15
BUDGETS: dict[str, dict[str, Any]] = {
    "letters": {"widths": WIDTHS, "classes": 24, "train": 4800, "test": 1200},
    "letters_mixed": {"widths": WIDTHS, "classes": 24, "train": 4800, "test": 1200},
    "imagenette": {"widths": WIDTHS, "train": 4000},
    "cifar10": {"widths": WIDTHS, "train": 4000},
}
SELECTION_SEEDS = 2  # by which the best fixed kernel is chosen
PHOTO_SEEDS = {32: 5, 64: 5, 128: 3}  # by size, on Imagenette
PRIMARY_SIZE, PRIMARY_SEEDS = 128, 8  # of the primary comparisons, on both data
RESOLUTION_SEEDS = 3  # of those trained at `TUNED_AT` pixels, so many are tested at other sizes, too
WIDER = (16, 32, 64)  # twice the channels, to see whether an answer is the narrow network's own
PREDECESSOR = (12, 32, 64, 64)  # a quarter of its channels
PREDECESSORS = ("conv2d_5", "spline_open", "spline")  # that are tried in its network
FROZEN = (1.0, 2.0, 4.0, 8.0)  # pixels: spacings that one training each is given, and does not learn
PILOT: dict[str, Any] = {"train": 1200, "epochs": 2}


@dataclass(frozen=True)
class Question:
    """Trainings that answer one question.

    Attributes:
        name: of the question.
        text: the question.
        configs: the trainings, most wanted first; some answer other questions, too.
        priority: of those that no earlier question asks for; lower comes first.
    """

    name: str
    text: str
    configs: tuple[Config, ...]
    priority: int


def train(data: str, size: int, method: str, seed: int, **others: Any) -> Config:
    """A training under the budget of its data, at the contender's rate if it is found, with `others` of its fields.

    >>> train("letters", 64, "scaled_layer", 0).epochs
    15
    """
    own = {**BUDGETS[data], "epochs": EPOCHS, "network": "convnet", "optimizer": "adam"}
    if not others and method in CONTENDERS.get(data, ()) and size in SIZES:  # of the first question
        own |= {"keep": method in KEPT and seed == 0, **_at(size, seed)}
    own |= others
    own.setdefault("lr", rate(data, method, own["optimizer"], own["network"]))
    return Config(data=data, size=size, method=method, seed=seed, **own)


def questions(profile: str) -> list[Question]:
    """The questions of a profile: 'tuning' chooses the rates, 'pilot' tries one cell of each, 'full' answers them.

    Raises:
        StudyError: another profile.

    >>> [question.name for question in questions("tuning")]
    ['rates', 'more_rates']
    """
    match profile:
        case "tuning":
            return _rates()
        case "pilot":
            return [Question(own.name, own.text, tuple(_tried(own.name)), own.priority) for own in _answered()]
        case "full":
            return _answered()
    raise StudyError(f"profile={profile!r} asks no question: it is none of 'tuning', 'pilot', 'full'")


def configs(profile: str) -> list[Config]:
    """All trainings of a profile, each once.

    >>> len(configs("full")) > len(configs("pilot")) > 10
    True
    """
    return list(dict.fromkeys(config for question in questions(profile) for config in question.configs))


def of_committed(function: Callable[[], Found]) -> Callable[[], Found]:
    """Remember what follows from the committed rates and choices for as long as these stay what they are."""

    @cache
    def known(*tables: tuple[Path, int, int] | None) -> Found:
        return function()

    @wraps(function)
    def remembered() -> Found:
        root = repository_root()
        return known(_state(root / RATES_TABLE), _state(root / CHOICE_TABLE))

    return remembered


def _state(path: Path) -> tuple[Path, int, int] | None:
    if not path.exists():
        return None
    found = path.stat()
    return path, found.st_mtime_ns, found.st_size


@of_committed
def priorities() -> dict[Config, int]:
    """Of every training that is tuned or answers, that of the first question that asks for it."""
    found: dict[Config, int] = {}
    for question in (*questions("tuning"), *questions("full")):
        for config in question.configs:
            found[config] = min(question.priority, found.get(config, question.priority))
    return found


# --- learning rates ---


def rate(data: str, method: str, optimizer: str, network: str = "convnet") -> float | None:
    """The rate with the best mean accuracy on what was set aside of the training data; None until that is known.

    All are tried with one seed, and the best two with another one. Of equal ones the smaller one is taken. Those of
    Imagenette and of letters serve for CIFAR-10 and for letters of mixed sizes. With SGD `spectral` takes that of
    conv2d_5.
    """
    method = "conv2d_5" if (method, optimizer) == ("spectral", "sgd") else method
    own = {"letters_mixed": "letters", "cifar10": "imagenette"}.get(data, data)
    found = _tuned().get((own, network, method, optimizer), {})
    _, chosen = _search(found, SGD_RATES if optimizer == "sgd" else RATES, _stuck(own))
    return chosen


def stuck_below(classes: float) -> float:
    """Accuracy, in percent, below which a training has not left chance level: twice that of guesses.

    >>> stuck_below(10)
    20.0
    """
    return 2 * 100 / classes


def _stuck(data: str) -> float:
    return stuck_below(BUDGETS[data].get("classes", Config.classes))


def rates_left() -> list[Config]:
    """Trainings for the choice of rates that are not committed yet."""
    found = _tuned()

    def known(own: Config) -> bool:
        assert own.lr is not None  # of a search
        return own.seed in found.get((own.data, own.network, own.method, own.optimizer), {}).get(own.lr, {})

    return [own for own in configs("tuning") if not known(own)]


def _search(
    found: Mapping[float, Mapping[int, float]], rates: Sequence[float], stuck: float
) -> tuple[list[tuple[float, int]], float | None]:
    """What a contender's search consists of so far, rates with seeds, and its choice; None while something is missing.

    A choice is never the smallest or the largest rate tried: the next one is tried, too, until it is not. A smaller one
    is tried, too, where the best accuracy is below `stuck`: then all rates were too large.
    """
    low, high = ALL_RATES.index(rates[0]), ALL_RATES.index(rates[-1])
    needed: dict[tuple[float, int], None] = {}  # in order
    while True:
        tried = ALL_RATES[low : high + 1]
        best = _best_rates(found, tried)
        needed |= dict.fromkeys((*product(tried, (0,)), *product(best, range(1, RATE_SEEDS))))
        if not best or any(seed not in found[lr] for lr, seed in needed):
            return list(needed), None
        chosen = max(sorted(best), key=lambda lr: sum(found[lr].values()))
        too_large = sum(found[chosen].values()) < stuck * len(found[chosen])
        if (chosen == tried[0] or too_large) and low > 0:
            low -= 1
        elif chosen == tried[-1] and high < len(ALL_RATES) - 1:
            high += 1
        else:
            return list(needed), chosen


def _best_rates(found: Mapping[float, Mapping[int, float]], tried: Sequence[float]) -> list[float]:
    """The two best rates by the first seed, of equal ones the smaller; none until all were tried."""
    if any(0 not in found.get(lr, ()) for lr in tried):
        return []
    return sorted(tried, key=lambda lr: -found[lr][0])[:BEST_RATES]


@of_committed
def _tuned() -> dict[tuple[str, ...], dict[float, dict[int, float]]]:
    """Accuracy on what was set aside by data, network, method and optimizer, then by rate, then by seed."""
    found: dict[tuple[str, ...], dict[float, dict[int, float]]] = {}
    for row in _committed(RATES_TABLE):
        what = tuple(str(row[name]) for name in ("data", "network", "method", "optimizer"))
        found.setdefault(what, {}).setdefault(float(row["lr"]), {})[int(row["seed"])] = float(row["accuracy"])
    return found


def _committed(table: Path) -> list[Row]:
    """The rows of a committed table, none where there is none. Raises StudyError for a damaged one."""
    path = repository_root() / table
    try:
        return from_csv(path.read_text()) if path.exists() else []
    except ValueError as error:
        raise StudyError(f"{path} is damaged ({error}); restore it: git checkout {path}") from error


def _rates() -> list[Question]:
    """Half as long as what they are for, at the middle size; what the first questions need comes first."""

    def tried(data: str, methods: Iterable[str], network: str = "convnet", **others: Any) -> list[Config]:
        own = {"epochs": (EPOCHS + 1) // 2, "validation": True, "network": network, "optimizer": "adam", **others}
        rates = SGD_RATES if own["optimizer"] == "sgd" else RATES
        found = []
        for method in dict.fromkeys(methods):
            needed, _ = _search(_tuned().get((data, network, method, own["optimizer"]), {}), rates, _stuck(data))
            found += [train(data, TUNED_AT, method, seed, lr=lr, **own) for lr, seed in needed]
        return found

    first = (
        *tried("letters", (*LETTERS, *FIXED)),
        *tried("imagenette", (*PHOTOS, *FIXED)),
        *(config for data in CONTENDERS for config in tried(data, ("conv2d_5",), "deeper")),
        *tried("letters", ("conv2d_5", "spectral"), optimizer="sgd"),
    )
    besides = (
        *tried("imagenette", PREDECESSORS, "predecessor", widths=PREDECESSOR),
        *tried("letters", (*FIELD, "scaled_group", *REPAIRS[:3])),
        *tried("letters", HEADLINE, "twice"),
        *tried("letters", ("conv2d_3", "scaled_channel"), "resnet18"),
    )
    text = "Which learning rate suits each contender"
    return [
        Question("rates", f"{text} of the first questions?", first, 0),
        Question("more_rates", f"{text} besides?", besides, 1),
    ]


def best_fixed(found: Mapping[str, Sequence[float]]) -> str | None:
    """The fixed kernel with the best mean accuracy on what was set aside, of equal ones the smaller.

    None until all of `FIXED` have `SELECTION_SEEDS` accuracies.

    >>> tried = {method: [70.0, 71.0] for method in FIXED}
    >>> best_fixed(tried | {"conv2d_11": [70.5, 71.5]}), best_fixed(tried), best_fixed({"conv2d_3": [70.0, 71.0]})
    ('conv2d_11', 'conv2d_3', None)
    """
    if any(len(found.get(method, ())) < SELECTION_SEEDS for method in FIXED):
        return None
    return max(FIXED, key=lambda method: sum(found[method]))  # the first of equal ones


@of_committed
def chosen() -> dict[tuple[str, int], str]:
    """The best fixed kernel by data and size, of what is committed; without those that are not chosen yet."""
    rows = [row for row in _committed(CHOICE_TABLE) if row["validation"] and row["epochs"] == EPOCHS]
    found = {}
    for data, size in product(CONTENDERS, SIZES):
        tried = {
            name: [
                float(row["accuracy"])
                for row in rows
                if (row["data"], row["size"], row["method"]) == (data, size, name)
                and row["lr"] == rate(data, name, "adam")
            ]
            for name in FIXED
        }
        if (best := best_fixed(tried)) is not None:
            found[data, size] = best
    return found


# --- questions ---


def _at(size: int, seed: int) -> dict[str, Any]:
    """What a network of the middle size is tested with besides."""
    tested = size == TUNED_AT and seed < RESOLUTION_SEEDS
    return {"test_sizes": tuple(n for n in TEST_SIZES if n != size)} if tested else {}


def _main(data: str, size: int, seeds: int) -> list[Config]:
    """Contenders in the plain network and the classic one that grows with the image, seeds first."""
    found = []
    for seed in range(seeds):
        found += [train(data, size, method, seed) for method in CONTENDERS[data]]
        if size > SIZES[0]:  # where it is not the plain one
            found.append(train(data, size, "conv2d_5", seed, network="deeper", **_at(size, seed)))
    return found


def _letters() -> list[Config]:
    found = [config for size in SIZES for config in _main("letters", size, 5)]
    more = [train("letters", n, m, seed) for n in SIZES[:-1] for m in HEADLINE for seed in range(5, PRIMARY_SEEDS)]
    return [*found, *more, *_primary("letters", 5)]


def _photos() -> list[Config]:
    found = [config for size in SIZES for config in _main("imagenette", size, PHOTO_SEEDS[size])]
    return [*found, *_primary("imagenette", PHOTO_SEEDS[PRIMARY_SIZE])]


def _primary(data: str, seeds: int) -> Iterable[Config]:
    """The seeds that primary comparisons have besides those of `_main`."""
    for seed in range(seeds, PRIMARY_SEEDS):
        yield from (train(data, PRIMARY_SIZE, method, seed) for method in HEADLINE)
        yield train(data, PRIMARY_SIZE, "conv2d_5", seed, network="deeper", **_at(PRIMARY_SIZE, seed))


def _doubled(found: Sequence[Config]) -> list[Config]:
    """Twice as long, without the tests at other sizes: one control for every contender and size."""
    return [replace(own, epochs=2 * own.epochs, test_sizes=(), keep=False) for own in found if own.seed == 0]


def _chosen_runs() -> Iterable[Config]:
    """The best fixed kernel of each size with the seeds of what it is compared with, and its control."""
    for (data, size), method in chosen().items():
        usual = 5 if data == "letters" else PHOTO_SEEDS[size]
        seeds = PRIMARY_SEEDS if size == PRIMARY_SIZE else usual
        own = [train(data, size, method, seed) for seed in range(seeds)]
        yield from own
        if method not in CONTENDERS[data]:
            yield from _doubled(own)


def _answered() -> list[Question]:
    letters, photos = _letters(), _photos()
    fixed = [(data, n, m) for data, n, m in product(("letters", "imagenette"), SIZES, FIXED)]
    sweep = [
        train(data, n, m, seed)
        for data, own in CONTENDERS.items()
        for seed, n, m in product(range(3), SIZES, FIXED)
        if m not in own
    ]
    wider = [train("letters", n, m, seed) for seed, n, m in product(range(3), SIZES, FIELD)]
    return [
        Question(
            "accuracy",
            "As images grow, is one training with a learned size as accurate as the best fixed kernel?",
            (*letters, *photos),
            1,
        ),
        Question(
            "convergence",
            "Does twice the training change the answer?",
            (*_doubled(letters), *_doubled(photos)),
            2,
        ),
        Question(
            "selection",
            "Which fixed kernel is the best of its sweep, on images set aside?",
            tuple(train(data, n, m, seed, validation=True) for seed in range(SELECTION_SEEDS) for data, n, m in fixed),
            3,
        ),
        Question(
            "chosen",
            "Does the best fixed kernel have the seeds and the control of what it is compared with?",
            tuple(_chosen_runs()),
            3,
        ),
        Question(
            "sweep",
            "What do all fixed kernels, and all learned sizes of the field, reach?",
            (*sweep, *wider),
            6,
        ),
        Question(
            "extents",
            "Do learned extents grow in proportion to the image?",
            tuple(own for own in letters + photos if own.method in (*LEARNED, *LETTERS[:3])),
            1,
        ),
        Question(
            "predecessor",
            "Is the predecessor's gain of 0.47 points within the spread of seeds, and does it learn faster at first?",
            tuple(
                train("imagenette", 128, m, seed, network="predecessor", widths=PREDECESSOR)
                for seed, m in product(range(3), PREDECESSORS)
            ),
            4,
        ),
        Question("parts", "Which part of a learned size matters?", tuple(_parts()), 5),
        Question(
            "frozen",
            "Is one training with a learned spacing as accurate as the best of those with a given one?",
            tuple(own for own in _parts() if own.scale_rate == 0.0),
            3,
        ),
        Question(
            "coordinates",
            "Are Fourier coordinates of the classic kernels the same to SGD, and better to Adam?",
            tuple(
                train("letters", 64, m, seed, **optimizer)
                for seed, m, optimizer in product(range(5), ("conv2d_5", "spectral"), ({"optimizer": "sgd"}, {}))
            ),
            4,
        ),
        Question(
            "resolution",
            "What does a network do on images of other sizes than it was trained on?",
            tuple(own for own in letters + photos if own.test_sizes),
            1,
        ),
        Question(
            "limits",
            "Where does each contender break as the image grows?",
            tuple(
                train("letters", 256, m, seed)
                for seed, m in product(
                    range(3), ("conv2d_5", "conv2d_21", "window_31", "scaled_layer", "scaled_channel")
                )
            ),
            6,
        ),
        Question(
            "multiscale",
            "Do scales per channel spread where the data have many sizes, and does that help?",
            tuple(
                train("letters_mixed", 128, m, seed)
                for seed, m in product(
                    range(5), ("conv2d_5", "conv2d_21", "scaled_layer", "scaled_channel", "dyadic", "window_31")
                )
            ),
            4,
        ),
        Question(
            "more_photos",
            "Do other sizes of photographs, and CIFAR-10, say the same?",
            tuple(
                train(data, n, m, seed)
                for data, n in (("imagenette", 96), ("imagenette", 192), ("cifar10", 32))
                for seed, m in product(range(3), PHOTOS)
            ),
            6,
        ),
    ]


def _parts() -> Iterable[Config]:
    """One choice changed at a time, on letters of 128 pixels."""
    changes: list[tuple[str, dict[str, Any]]] = [
        ("scaled_group", {}),
        *(("scaled_layer", {"scale": scale}) for scale in (2.0, 4.0)),
        *(("scaled_layer", {"scale_rate": scale_rate}) for scale_rate in (1.0, 3.0, 30.0)),
        *(("scaled_layer", {"scale": scale, "scale_rate": 0.0}) for scale in FROZEN),
        *((method, {}) for method in ("hermite", "spacings", "implicit_window")),
        *((method, {}) for method in REPAIRS),
        *(
            (method, {"padding_mode": mode})
            for method in ("conv2d_5", "scaled_channel")
            for mode in ("circular", "reflect")
        ),
        *((method, {"network": "twice"}) for method in ("conv2d_5", "scaled_channel")),
        *((method, {"network": "resnet18"}) for method in ("conv2d_3", "scaled_channel")),
        *((method, {"train": n}) for method in HEADLINE for n in (1200, 2400)),
        *((method, {"widths": WIDER}) for method in HEADLINE),
    ]
    for seed, (method, change) in product(range(3), changes):
        yield train("letters", 128, method, seed, **change)


def _tried(name: str) -> Iterable[Config]:
    """One cell of a question, on letters and on Imagenette where it asks of both, short and with a seed of its own."""

    def short(config: Config, test_sizes: tuple[int, ...] = ()) -> Config:
        lr = PILOT_RATE if config.optimizer == "adam" else config.lr  # whatever rates are found later
        return replace(config, seed=PILOT_SEED, lr=lr, test_sizes=test_sizes, keep=False, **PILOT)

    own: dict[str, Iterable[Config]] = {
        "accuracy": [
            *(short(train(d, 128, m, 0)) for d in ("letters", "imagenette") for m in (*HEADLINE, "window_31")),
            *(short(train(d, 128, "conv2d_5", 0, network="deeper")) for d in ("letters", "imagenette")),
        ],
        "convergence": [short(train("letters", 64, "conv2d_5", 0)), short(train("imagenette", 64, "conv2d_5", 0))],
        "selection": [short(train(d, 64, "conv2d_11", 0, validation=True)) for d in ("letters", "imagenette")],
        **dict.fromkeys(("chosen", "frozen"), ()),  # the sweep's runs, and those of the parts
        "sweep": [short(train("letters", 64, m, 0)) for m in ("conv2d_31", "spacings", "implicit_window")],
        "extents": [short(train("letters", n, "scaled_layer", 0)) for n in SIZES],
        "predecessor": [
            short(train("imagenette", 128, m, 0, network="predecessor", widths=PREDECESSOR))
            for m in ("conv2d_5", "spline_open")
        ],
        "parts": [
            short(train("letters", 64, "scaled_channel", 0, network="resnet18")),
            short(train("letters", 64, "scaled_layer", 0, scale=4.0)),
        ],
        "coordinates": [short(train("letters", 64, "spectral", 0, optimizer="sgd", lr=0.03))],
        "resolution": [
            short(train(d, TUNED_AT, "scaled_channel", 0), **_at(TUNED_AT, 0)) for d in ("letters", "imagenette")
        ],
        "limits": [short(train("letters", 256, "scaled_layer", 0))],
        "multiscale": [short(train("letters_mixed", 128, m, 0)) for m in ("scaled_channel", "dyadic")],
        "more_photos": [short(train("cifar10", 32, "scaled_layer", 0)), short(train("imagenette", 96, "conv2d_5", 0))],
    }
    return own[name]
