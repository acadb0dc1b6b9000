"""The strip of `smoothing` as a film: a slider over many frames, in plain HTML that asks no server for anything."""

import base64
import io
from collections.abc import Sequence
from string import Template

import matplotlib
from IPython.display import HTML
from matplotlib.colors import Normalize
from PIL import Image
from torch import Tensor

from fourierconv.study.figures.smoothing import Frame, smoothed
from fourierconv.study.figures.style import DIVERGING, SEQUENTIAL

# What carries the number of a frame shows with that frame alone; without scripts the first frame stays. Maps have one
# pixel per value, and the browser enlarges them. A screen reader is told what stands below the slider.
PAGE = Template("""<div class="film">
<style>
.film { border: 1px solid #8888; border-radius: 4px; margin: 1em 0; max-width: 691px; padding: 0.6em; }
.film label { display: block; font-weight: bold; }
.film input { display: block; margin: 0.5em 0; width: 100%; }
.film p { margin: 0; }
.film .panels { align-items: end; display: flex; gap: 1em; justify-content: space-evenly; margin-top: 0.6em; }
.film .panel { flex: 0 1 18em; text-align: center; }
.film .map { aspect-ratio: 1; margin: 0.3em 0; position: relative; }
.film .map img { height: 100%; image-rendering: pixelated; max-width: none; min-width: 0; width: 100%; }
.film .map div { height: 100%; }
.film .map span { border: 2px dashed #222; left: 50%; position: absolute; top: 50%; transform: translate(-50%, -50%); }
.film .ticks { display: flex; justify-content: space-between; }
.film [hidden] { display: none; }
@media print { .film { display: none; } }
</style>
<label for="film-smoothing">Smooth the spectrum</label>
<input type="range" id="film-smoothing" min="0" max="$last" value="0" aria-valuetext="$first">
$captions
<div class="panels">
<div class="panel"><p>magnitude of the spectrum</p><div class="map">$spectra</div>
<div class="ticks"><span>−½</span><span>0</span><span>½</span></div><p>cycles per pixel</p></div>
<div class="panel"><p>kernel, its extent dashed</p><div class="map">$kernels</div>
<div class="ticks"><span>−$reach</span><span>0</span><span>$reach</span></div><p>pixels</p></div>
</div>
<script>
(() => {
  const film = document.currentScript.parentElement, slider = film.querySelector("input");
  const show = () => {
    for (const part of film.querySelectorAll("[data-frame]")) part.hidden = part.dataset.frame !== slider.value;
    slider.setAttribute("aria-valuetext", film.querySelector("p[data-frame]:not([hidden])").textContent);
  };
  slider.addEventListener("input", show);
  show(); // a browser may have kept the slider's place from an earlier visit
})();
</script>
</div>""")


def smoothing_slider(kernel: Tensor, sigmas: Sequence[float], n: int) -> HTML:
    """Show the frames of `smoothing_strip` one at a time; each map has colours of its own.

    On paper it is left out: the strip stands for it.

    Args:
        kernel: float64 taps (k, k), k odd.
        sigmas: widths in pixels of the windows that the kernel must then have; infinity is no smoothing.
        n: points per axis of the grid of frequencies, at least k.

    >>> import torch
    >>> smoothing_slider(torch.ones(3, 3, dtype=torch.float64), [float("inf"), 1.0], 16).data.count("<img")
    4
    """
    frames = [smoothed(kernel, sigma, n) for sigma in sigmas]
    captions = [_caption(frame) for frame in frames]
    return HTML(
        PAGE.substitute(
            last=len(frames) - 1,
            first=captions[0],
            captions=_numbered([f"<p>{caption}</p>" for caption in captions]),
            spectra=_numbered([_spectrum(frame) for frame in frames]),
            kernels=_numbered([_kernel(frame) for frame in frames]),
            reach=kernel.shape[-1] // 2,
        )
    )


def _caption(frame: Frame) -> str:
    smoothing = f"By {frame.width:.3f} cycles per pixel, σ = {frame.sigma:.1f} px" if frame.width else "As drawn"
    return f"{smoothing}: extent {frame.extent:.1f} px"


def _spectrum(frame: Frame) -> str:
    image = _image(frame.magnitude, SEQUENTIAL, Normalize(0, float(frame.magnitude.max())))
    return f'<div><img src="{image}" alt="Magnitude of the spectrum. {_caption(frame)}."></div>'


def _kernel(frame: Frame) -> str:
    most = float(frame.taps.abs().max())
    image = _image(frame.taps, DIVERGING, Normalize(-most, most))
    side = 100 * frame.extent / frame.taps.shape[-1]
    box = f'<span style="height: {side:.1f}%; width: {side:.1f}%"></span>'
    return f'<div><img src="{image}" alt="Kernel. {_caption(frame)}.">{box}</div>'


def _image(values: Tensor, colors: str, norm: Normalize) -> str:
    """Values (n, n) as an image of n×n pixels, a PNG with 256 colours in a data URL."""
    indices = Image.fromarray((norm(values.numpy()) * 255).round().astype("uint8"), "L")
    indices.putpalette(matplotlib.colormaps[colors](range(256), bytes=True)[:, :3].tobytes())
    file = io.BytesIO()
    indices.save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _numbered(elements: Sequence[str]) -> str:
    """Elements of consecutive frames, each with its frame's number; all but the first are hidden."""
    own = [f' data-frame="{i}"' + " hidden" * (i > 0) for i in range(len(elements))]
    return "\n".join(element.replace(">", f"{text}>", 1) for element, text in zip(elements, own, strict=True))
