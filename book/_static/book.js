// A figure that is wider than the window scrolls in its box; whoever has no mouse must be able to get there.
window.addEventListener("load", () => {
  for (const figure of document.querySelectorAll(".bd-article figure"))
    if (figure.scrollWidth > figure.clientWidth) figure.tabIndex = 0;
});
