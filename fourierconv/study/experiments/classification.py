"""One training of a classifier, whatever the question: every choice that a sweep of the study varies is a field."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from fourierconv import resize
from fourierconv.layers import PADDING_MODES, SCALE_RATE, fourier_layers
from fourierconv.resolution import SEMANTICS
from fourierconv.study import methods, provenance
from fourierconv.study.choices import require_known
from fourierconv.study.data import ImageSet, Letters, Photos, load
from fourierconv.study.data.letters import MIXED_SIDES, SIDE
from fourierconv.study.data.letters import NUMERICS as LETTERS
from fourierconv.study.data.official import OFFICIAL
from fourierconv.study.data.parts import HELD_OUT
from fourierconv.study.data.parts import NUMERICS as PARTS
from fourierconv.study.data.photos import NUMERICS as PHOTOS
from fourierconv.study.meter import Meter
from fourierconv.study.models import SPREAD, convolutions, layer_extent, layer_scale, spread
from fourierconv.study.networks import NETWORKS, deeper_widths
from fourierconv.study.numerics import LAYERS, TRAINING
from fourierconv.study.store import Outcome, StudyError, build_folder
from fourierconv.study.training import OPTIMIZERS, accuracy, device, train_classifier

NAME = "classification"
NUMERICS = {"layers": LAYERS, "letters": LETTERS, "photos": PHOTOS, "parts": PARTS, "training": TRAINING, NAME: 1}
PARTIAL = True  # its tables hold what is finished, of sweeps that take days

SIDES = {"letters": SIDE, "letters_mixed": MIXED_SIDES}  # of the letters, as shares of the image
CHANNELS = {**dict.fromkeys(SIDES, 1), "imagenette": 3, "cifar10": 3}
TEST_SIZES = (32, 64, 96, 128, 192)  # pixels, at which a network may be tested besides its own
LEVELS = (50, 75, 90)  # % of training accuracy: how many steps until then
LAYER_COUNT = 6  # of the table; of a ResNet's it shows the first and the last of every stage
EVERY_FOURTH = 4


@dataclass(frozen=True)
class Config:
    """One training: data, contender, network, optimizer and seed; what it leaves is a pure function of them.

    The data are the same for every seed; the seed draws the weights, the order of the batches, and what dropout drops.

    Attributes:
        data: 'letters', 'letters_mixed' (letters of three octaves of sizes in one set), 'imagenette' or 'cifar10'.
        size: of the images, in pixels per axis.
        method: a contender of `methods.METHODS`.
        seed: a number.
        widths: output channels per stage of the network; 'deeper' has more of them.
        epochs: how often every training image is seen.
        classes: the first so many letters; of photographs 10, which are all.
        train: number of training images; None for all photographs.
        test: number of test letters; None for photographs, all of which are used.
        validation: whether to test on a part of the training data, set aside for choosing rates and the best of a
            sweep; the test data are then not touched.
        network: one of `networks.NETWORKS`.
        batch: images per step.
        optimizer: 'adam' or 'sgd'.
        lr: learning rate, at the start of its cosine; None while the search for it is not complete.
        scale_rate: learning rate of what is in pixels, relative to `lr`.
        scale: initial scale, or the first and the last of log-spaced ones, in pixels; None for the contender's own.
        padding_mode: one of 'zeros', 'circular', 'reflect', 'replicate'.
        test_sizes: other sizes of the same test images, at which the trained network is tested, too.
        processes: that share every batch, each with its own batch norm; more than 1 are started by torchrun.
        keep: whether the trained weights are kept.

    Raises:
        StudyError: a name that is unknown, or fields that do not go together.
    """

    data: str
    size: int
    method: str
    seed: int
    widths: tuple[int, ...]
    epochs: int
    classes: int = 10
    train: int | None = None
    test: int | None = None
    validation: bool = False
    network: str = "convnet"
    batch: int = 16
    optimizer: str = "adam"
    lr: float | None = 0.003
    scale_rate: float = SCALE_RATE
    scale: float | tuple[float, float] | None = None
    padding_mode: str = "zeros"
    test_sizes: tuple[int, ...] = ()
    processes: int = 1
    keep: bool = False

    def __post_init__(self) -> None:
        require_known("data", [self.data], CHANNELS)
        require_known("method", [self.method], methods.METHODS)
        require_known("network", [self.network], NETWORKS)
        require_known("optimizer", [self.optimizer], OPTIMIZERS)
        require_known("padding_mode", [self.padding_mode], PADDING_MODES)
        for size in self.test_sizes:
            if size not in TEST_SIZES or size == self.size:
                raise StudyError(f"test_sizes={self.test_sizes} must be of {TEST_SIZES}, without size={self.size}")
        if self.test_sizes and self.network == "predecessor":
            raise StudyError(f"test_sizes={self.test_sizes}: the predecessor's dense layers hold for one size")
        if self.data in SIDES and (self.train is None or self.test is None):
            raise StudyError(f"train={self.train}, test={self.test}: letters are drawn, so both must be numbers")
        if self.data not in SIDES and self.test is not None:
            raise StudyError(f"test={self.test}: all test images of {self.data} are used, so it must be None")
        if self.scale is not None and methods.get(self.method).scale_per is None:
            raise StudyError(f"scale={self.scale}: {self.method!r} learns no scale")
        if self.batch % self.processes:
            raise StudyError(f"batch={self.batch} must be a multiple of processes={self.processes}")


UNIDENTIFIED = ("test", "test_sizes", "keep")  # fields without a column; sizes are known by their accuracies
IDENTITY = tuple(field.name for field in fields(Config) if field.name not in UNIDENTIFIED)


def configs(profile: str) -> list[Config]:
    """The trainings of a profile; `fourierconv.study.protocol` says which, and why.

    Raises:
        StudyError: a profile without any.

    >>> len(configs("pilot"))
    30
    """
    from fourierconv.study import protocol  # which is made of configs

    return protocol.configs(profile)


def priority(config: Config) -> tuple[int, ...]:
    """When the run's turn comes: by question, then seed by seed, small images first.

    >>> priority(configs("full")[0])
    (1, 0, 32)
    """
    from fourierconv.study import protocol

    return protocol.priorities().get(config, 0), config.seed, config.size


def waits(config: Config) -> str:
    """What has to be known before the run can be done, "" where nothing is missing.

    >>> waits(Config("letters", 32, "hermite", 0, (8, 8, 8), 1, classes=4, train=64, test=16, lr=None))
    'its learning rate, which the profile tuning finds'
    """
    return "its learning rate, which the profile tuning finds" if config.lr is None else ""


def contender(config: Config) -> methods.Method:
    """The contender, from the initial scale that the config gives it.

    >>> contender(Config("letters", 32, "scaled_layer", 0, (8, 8, 8), 1, train=64, test=16, scale=2.0)).scale
    2.0
    """
    method = methods.get(config.method)
    if config.scale is None:
        return method
    return replace(method, window=config.scale) if method.window is not None else replace(method, scale=config.scale)


def build(config: Config) -> nn.Module:
    """The network of a run, with weights drawn by torch's present random numbers.

    >>> config = Config("letters", 32, "scaled_layer", 0, (8, 8, 8), 1, classes=4, train=64, test=16)
    >>> build(config)(torch.zeros(2, 1, 32, 32)).shape
    torch.Size([2, 4])
    """
    make = NETWORKS[config.network]
    channels = CHANNELS[config.data]
    return make(contender(config), channels, config.widths, config.classes, config.padding_mode, config.size)


def images(config: Config) -> ImageSet:
    """The data of a run.

    Raises:
        StudyError: another number of classes than the config says; what `load` finds wrong with the data.
    """
    try:
        found = load(_described(config), build_folder() / "data")
    except (ValueError, FileNotFoundError) as error:
        raise StudyError(str(error)) from error
    if len(found.classes) != config.classes:
        raise StudyError(f"classes={config.classes}, but {config.data} has {len(found.classes)}")
    return found


def _described(config: Config) -> Letters | Photos:
    if config.data not in SIDES:
        return Photos(config.data, config.size, config.train, config.validation)
    assert config.train is not None
    assert config.test is not None
    sides, held_out = SIDES[config.data], config.validation
    return Letters(config.size, config.classes, config.train, config.test, sides=sides, validation=held_out)


def run(config: Config, report: Callable[[str], None]) -> Outcome:
    """Train one network, test it, and read its kernels; the provenance gets the time of a step and the images' digest.

    Raises:
        FloatingPointError: a loss that is not a number.
        StudyError: data that are missing or damaged; no learning rate.
    """
    if config.lr is None:
        raise StudyError(f"lr=None: the run waits for {waits(config)}")
    here, data = device(), images(config)
    meter = Meter(here)
    torch.manual_seed(config.seed)
    model = build(config).to(here)
    history = train_classifier(
        model if config.processes == 1 else DistributedDataParallel(model),
        data,
        epochs=config.epochs,
        batch=config.batch,
        lr=config.lr,
        seed=config.seed,
        report=report,
        algorithm=config.optimizer,
        scale_rate=config.scale_rate,
        after_step=meter.tick,
    )
    provenance.note({**meter.measured(), "images": data.digest()})
    metrics = {
        "accuracy": accuracy(model, data.test_images, data.test_labels),
        "train_accuracy": history[-1]["train_accuracy"],
        "loss": history[-1]["loss"],
        "bounded": sum(entry["bounded"] for entry in history),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "steps_to": steps_to(history, len(data.train_labels) // config.batch),
        "extents": [spread(layer_extent(layer).mean(-1)) for layer in convolutions(model)],
        "scales": [None if (own := layer_scale(layer)) is None else spread(own) for layer in convolutions(model)],
        "at_sizes": at_sizes(model, config),
    }
    return Outcome(metrics, history, dict(model.state_dict()) if config.keep else None)


def steps_to(history: list[dict[str, Any]], steps: int) -> dict[str, int | None]:
    """After how many steps, counted in whole epochs of `steps`, the accuracy in training first reached each level.

    >>> steps_to([{"epoch": 1, "train_accuracy": 40.0}, {"epoch": 2, "train_accuracy": 80.0}], steps=64)
    {'50': 128, '75': 128, '90': None}
    """
    reached = {level: [e["epoch"] for e in history if e["train_accuracy"] >= level] for level in LEVELS}
    return {str(level): epochs[0] * steps if epochs else None for level, epochs in reached.items()}


def at_sizes(model: nn.Module, config: Config) -> dict[str, dict[str, float | None]]:
    """Test accuracy at other sizes of the image, in percent, by semantics of `fourierconv.resize` and size.

    'pixels' is the network as it is. For 'image' its Fourier layers are resized; None where the network has none, or
    where its kernels are fixed in pixels or would leave their limits.
    """
    found: dict[str, dict[str, float | None]] = {semantics: {} for semantics in SEMANTICS}
    for size in config.test_sizes:
        data = images(replace(config, size=size, test_sizes=(), train=config.train and config.classes))
        for semantics in SEMANTICS:
            resized = _resized(model, config.size, size, semantics)
            tested = None if resized is None else accuracy(resized, data.test_images, data.test_labels)
            found[semantics][str(size)] = tested
    return found


def _resized(model: nn.Module, old: int, new: int, semantics: str) -> nn.Module | None:
    if semantics == "pixels":
        return model
    if not any(fourier_layers(model)):
        return None
    try:
        return resize(model, old, new, semantics)
    except ValueError:
        return None


# Time of a training step of the plain network relative to conv2d_5's, on 64 pixels, batch 16, one core, as training
# starts: for the order of the runs and the time that they are expected to take.
PRICES = {
    "conv2d_3": 0.7,
    "conv2d_5": 1.0,
    "conv2d_7": 1.6,
    "conv2d_9": 1.2,
    "conv2d_11": 1.6,
    "conv2d_15": 1.5,
    "conv2d_21": 1.7,
    "conv2d_31": 2.7,
    "spectral": 0.8,
    "free_21": 1.9,
    "bilinear": 3.5,
    "spline_open": 3.5,
    "spline_even": 2.2,
    "spline": 2.2,
    "dyadic": 2.3,
    "dyadic_7": 2.9,
    "truncated": 1.7,
    "scaled_layer": 1.0,
    "scaled_channel": 2.8,
    "scaled_group": 2.7,
    "scaled_layer_7": 1.6,
    "scaled_channel_7": 3.0,
    "window_5": 0.8,
    "window": 1.9,
    "window_31": 3.1,
    "window_31_channel": 3.3,
    "free_window": 2.0,
    "spline_window": 2.3,
    "hermite": 1.4,
    "hermite_channel": 3.0,
    "spacings": 4.2,
    "implicit": 2.9,
    "implicit_window": 3.8,
}


def cost(config: Config) -> float:
    """Relative time of a run, for the order of the sweep: a test takes a third of a training step.

    >>> small, large = (Config("imagenette", size, "conv2d_5", 0, (8, 8, 8), 1, train=1000) for size in (32, 64))
    >>> cost(large) / cost(small)
    4.0
    """
    widths = deeper_widths(config.widths, config.size) if config.network == "deeper" else config.widths
    repeats = {"twice": 2, "resnet18": 4}.get(config.network, 1)
    before = [CHANNELS[config.data], *widths]
    products = sum((before[stage] + 8) * width / 4**stage for stage, width in enumerate(widths))
    seen = (config.train or OFFICIAL[config.data].train) * config.epochs
    senses = 1 if methods.get(config.method).scale_per is None else len(SEMANTICS)
    pixels: float = seen * config.size**2
    pixels += _tested(config) / 3 * (config.size**2 + senses * sum(size**2 for size in config.test_sizes))
    return float(pixels * products * repeats * PRICES[config.method])


def _tested(config: Config) -> float:
    """How many images a run is tested on."""
    if config.test is not None:
        return config.test
    official = OFFICIAL[config.data]
    return HELD_OUT * official.train if config.validation else official.test


def _columns() -> Iterator[str]:
    yield from ("data", "size", "network", "widths", "method", "seed")
    yield from (
        "classes",
        "train",
        "epochs",
        "batch",
        "optimizer",
        "lr",
        "scale_rate",
        "scale",
        "padding_mode",
        "validation",
    )
    yield from ("processes", "kernel_size", "scale_per", "parameters")
    yield from ("accuracy", "train_accuracy", "loss", "bounded")
    yield from (f"steps_to_{level}" for level in LEVELS)
    for name in ("extent", "scale"):
        for layer in range(1, LAYER_COUNT + 1):
            yield from (_named(name, layer, part) for part in SPREAD)
    yield from (f"accuracy_{semantics}_{size}" for semantics in SEMANTICS for size in TEST_SIZES)


def _named(name: str, layer: int, part: str) -> str:
    return f"{name}_{layer}" if part == "mean" else f"{name}_{layer}_{part}"


columns = tuple(_columns())


def rows(config: Config, metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """The run's row of the table; extents and scales in pixels of each layer's input, accuracies in percent.

    `extent_1` is the mean over the kernels of layer 1, `extent_1_p10` a percentile; so for scales.
    """
    method = contender(config)
    row: dict[str, Any] = dict.fromkeys(columns)
    shared = ("data", "size", "network", "method", "seed", "classes", "train", "epochs", "batch", "optimizer")
    row |= {name: getattr(config, name) for name in (*shared, "lr", "scale_rate", "padding_mode", "processes")}
    row |= {"widths": joined(config.widths), "scale": joined(config.scale), "validation": int(config.validation)}
    row |= {"kernel_size": method.kernel_size, "scale_per": method.scale_per}
    row |= {name: metrics[name] for name in ("accuracy", "train_accuracy", "loss", "bounded", "parameters")}
    row |= {f"steps_to_{level}": steps for level, steps in metrics["steps_to"].items()}
    for name in ("extent", "scale"):
        layers = metrics[f"{name}s"]
        shown = layers if len(layers) <= LAYER_COUNT else layers[::EVERY_FOURTH]
        for layer, found in enumerate(shown, 1):
            row |= {_named(name, layer, part): value for part, value in (found or {}).items()}
    for semantics, tested in metrics["at_sizes"].items():
        row |= {f"accuracy_{semantics}_{size}": value for size, value in tested.items()}
    return [row]


def cells_of(config: Config) -> dict[str, Any]:
    """The fields that identify a training, as the table holds them.

    >>> cells_of(Config("letters", 32, "spline", 0, (8, 8, 8), 1, train=64, test=16))["widths"]
    '8-8-8'
    """
    held = asdict(config)
    texts = {"widths": joined(config.widths), "scale": joined(config.scale), "validation": int(config.validation)}
    cells = {name: held[name] for name in IDENTITY} | texts
    return {name: "" if cell is None else cell for name, cell in cells.items()}


def joined(values: Any) -> Any:
    """Write several numbers as the table holds them; one, or None, as it is.

    >>> joined((16, 32, 64)), joined(2.0)
    ('16-32-64', 2.0)
    """
    return "-".join(map(str, values)) if isinstance(values, tuple) else values


def network(config: Config, weights: dict[str, Tensor]) -> nn.Module:
    """The trained network of a run, from the weights that it left."""
    model = build(config)
    model.load_state_dict(weights)
    return model.eval()
