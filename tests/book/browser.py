"""A page of the book as a reader's browser shows it: everything that is wrong with it, one line for each problem."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_core_python.selenium import Axe
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
GUIDELINES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")
# Sphinx writes long signatures as lists without terms, docutils writes references with a role that axe-core does not
# expect in a list. Readers' programs cope with both.
MARKUP = ("aria-required-children", "aria-roles", "definition-list")
# Waits until what fades has faded: colours in between are nobody's choice.
SETTLE = "Promise.allSettled(document.getAnimations().map(own => own.finished)).then(arguments[arguments.length - 1])"
INSTALL = "apt install chromium chromium-driver (Debian)"

# Waits until mathematics is set and every image has arrived or failed, then describes what is wrong in the page.
INSPECT = r"""
const width = arguments[0], done = arguments[arguments.length - 1];
const article = document.querySelector("main") || document.body;
const tag = e => e.tagName.toLowerCase() + (e.id ? "#" + e.id : "") + (e.className && e.className.trim
    ? "." + e.className.trim().split(/\s+/).join(".") : "");
const visible = e => e.getClientRects().length > 0;
const scrolls = e => e && e !== document.body && e !== document.documentElement
    && (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(e).overflowX) || scrolls(e.parentElement));

async function inspect() {
  const problems = [];
  if (window.MathJax && MathJax.startup) await MathJax.startup.promise;
  for (const error of document.querySelectorAll("mjx-merror, [data-mjx-error]"))
    problems.push("mathematics that MathJax refuses: " + error.textContent);
  for (const math of document.querySelectorAll(".math"))
    if (!math.querySelector("mjx-container")) problems.push("mathematics that is not set: " + math.textContent);

  const place = (text, at) => {
    const range = document.createRange();
    range.setStart(text, at);
    range.setEnd(text, at + 1);
    return range.getBoundingClientRect();
  };
  for (const box of document.querySelectorAll("span.math > mjx-container")) {
    const own = box.getBoundingClientRect(), before = box.parentElement.previousSibling;
    const after = box.parentElement.nextSibling;
    if (own.width === 0) continue;
    if (after instanceof Text && /^[.,;:!?)\]]/.test(after.data) && place(after, 0).top >= own.bottom)
      problems.push("a line that begins with punctuation: " + after.data.slice(0, 20));
    if (before instanceof Text && /[(\[]$/.test(before.data) && place(before, before.length - 1).bottom <= own.top)
      problems.push("a line that ends with an opening bracket: " + before.data.slice(-20));
  }

  const texts = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode, holder = text.parentElement;
    if (holder.closest("code, pre, script, style, mjx-container, .math") || !visible(holder)) continue;
    const raw = text.data.match(/\$[^\s$][^$]*\$|\\\(|\\\[|\\begin\{/);
    if (raw) problems.push("markup left in the text: " + raw[0]);
  }

  const name = article.innerText.match(/\{\{ *\w+ *\}\}/);
  if (name) problems.push("name without its value: " + name[0]);

  for (const image of document.images) {
    image.loading = "eager";
    await image.decode().catch(() => problems.push("image that does not load: " + image.src));
    const alt = image.alt.trim();
    if (!alt || /^\S+\.(svg|png|jpe?g|gif)$/.test(alt)) problems.push("image without alternative text: " + image.src);
  }

  if (document.documentElement.scrollWidth > width) {
    const wide = [...document.body.querySelectorAll("*")].filter(
        e => e.getBoundingClientRect().right > width + 1 && !scrolls(e.parentElement)).map(tag);
    problems.push("wider than the window, " + document.documentElement.scrollWidth + " px: " + wide.slice(0, 3));
  }
  return problems;
}
inspect().then(done, error => done(["inspection failed: " + error]));
"""


@contextmanager
def chromium() -> Iterator[Chrome]:
    """A headless Chromium with a new profile; raises FileNotFoundError where the browser or its driver is missing."""
    paths = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    missing = [name for name, path in paths.items() if path is None]
    if missing:
        raise FileNotFoundError(f"{' and '.join(missing)} not found on PATH: {INSTALL}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ChromeOptions()
        options.binary_location = str(paths["chromium"])
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = Chrome(options=options, service=Service(str(paths["chromedriver"])))
        try:
            driver.set_script_timeout(60)
            yield driver
        finally:
            driver.quit()


def problems(driver: Chrome, page: Path, width: int) -> list[str]:
    """Everything wrong with a page opened from the disk in a window of `width` px."""
    window = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", window)
    driver.get("about:blank")
    for log in ("browser", "performance"):
        driver.get_log(log)  # what the page before left in it
    driver.get(page.as_uri())
    found: list[str] = driver.execute_async_script(INSPECT, width)
    found += [f"request to another host: {url}" for url in _requests(driver) if _is_foreign(url)]
    entries: list[dict[str, Any]] = driver.get_log("browser")
    found += [f"console error: {entry['message']}" for entry in entries if entry["level"] == "SEVERE"]
    return found


def _requests(driver: Chrome) -> list[str]:
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]


def _is_foreign(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme not in ("file", "data", "blob", "about") or (parts.scheme == "file" and parts.netloc != "")


def inaccessible(driver: Chrome, path: Path, theme: str) -> list[str]:
    """Open a page for whoever prefers 'light' or 'dark', and return what violates WCAG 2.1 AA by axe-core's rules."""
    driver.set_window_size(1280, 900)
    preferred = {"name": "prefers-color-scheme", "value": theme}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [preferred]})
    driver.get(path.as_uri())
    shown = driver.execute_script("return document.documentElement.dataset.theme")
    if shown != theme:
        return [f"shown in the {shown} theme, not in the {theme} one"]
    driver.execute_async_script(SETTLE)
    found = Axe().run(driver, options={"runOnly": list(GUIDELINES)})["violations"]
    return [f"{own['id']}: {node['html']}" for own in found if own["id"] not in MARKUP for node in own["nodes"]]
