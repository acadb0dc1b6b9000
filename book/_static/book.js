// What is wider than the window scrolls in its box; whoever has no mouse must be able to get there.
window.addEventListener("load", () => {
  for (const box of document.querySelectorAll(".bd-article figure, .bd-article figure .output"))
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
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
