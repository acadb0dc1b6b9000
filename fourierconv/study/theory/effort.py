"""How much each profile measures in the notebooks on theory."""

from dataclasses import dataclass

from fourierconv.study.choices import require_known
from fourierconv.study.sweep import PROFILES


@dataclass(frozen=True)
class Effort:
    """Sizes of the measurements; no statement depends on them, only how far it is seen to hold.

    Attributes:
        image_sizes: sides of the images on which results are compared with torch's, in pixels.
        kernels: random kernels per average.
        channels: output channels per measured variance.
    """

    image_sizes: tuple[int, ...]
    kernels: int
    channels: int


EFFORTS = {
    "quick": Effort(image_sizes=(16, 31, 64), kernels=20_000, channels=64),
    "full": Effort(image_sizes=(16, 31, 64, 127, 256), kernels=100_000, channels=512),
}


def get(profile: str) -> Effort:
    """The effort of a profile; that of 'quick' where it has none of its own.

    Raises:
        StudyError: an unknown profile.

    >>> get("quick").image_sizes
    (16, 31, 64)
    """
    require_known("profile", [profile], PROFILES)
    return EFFORTS.get(profile, EFFORTS["quick"])
