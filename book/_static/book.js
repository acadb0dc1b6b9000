// A figure that is wider than the window scrolls in its box; whoever has no mouse must be able to get there.
window.addEventListener("load", () => {
  for (const figure of document.querySelectorAll(".bd-article figure"))
    if (figure.scrollWidth > figure.clientWidth) figure.tabIndex = 0;
});

// Paper is white: the dark theme's light letters are for the screen.
const root = document.documentElement;
let theme;
window.addEventListener("beforeprint", () => {
  theme = root.dataset.theme;
  root.dataset.theme = "light";
});
window.addEventListener("afterprint", () => {
  root.dataset.theme = theme;
});
