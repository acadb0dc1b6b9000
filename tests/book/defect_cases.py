"""Pages with one defect each, and what the inspection has to say of them."""

GOOD = """<p>A price of $5, a file in <code>$HOME/$USER</code>, text with {braces}.</p>
<img alt="a black dot" src="data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==">
<div style="overflow-x: auto"><div style="width: 3000px">wide, in a box that scrolls</div></div>"""

FORMULA = '<span class="math"><mjx-container style="display: inline-block; width: 100%">x</mjx-container></span>'

DEFECTS = {
    "an exception in a script": ("<script>throw Error('no such spectrum')</script>", "console error"),
    "a script of another host": ('<script src="https://host.invalid/a.js"></script>', "request to another host"),
    "an image of another host": ('<img alt="a dot" src="//host.invalid/a.png">', "request to another host"),
    "an image that is missing": ('<img alt="a dot" src="missing.svg">', "image that does not load"),
    "an image without a text": ('<img src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=">', "image without"),
    "an image with its name as text": ('<img alt="_images/a.svg" src="a.svg">', "image without alternative text"),
    "dollars around mathematics": ("<p>the spectrum $\\hat W$ of a kernel</p>", "markup left in the text: $\\hat W$"),
    "an escaped parenthesis": ("<p>the spectrum \\(\\hat W\\)</p>", "markup left in the text"),
    "a name without a value": ("<p>grows as <code>{{ slope }}</code></p>", "name without its value: {{ slope }}"),
    "mathematics without MathJax": ('<span class="math">\\(\\hat W\\)</span>', "mathematics that is not set"),
    "an error of MathJax": ("<mjx-merror>Undefined control sequence</mjx-merror>", "Undefined control sequence"),
    "a comma after a line": (f"<p>{FORMULA}, or</p>", "a line that begins with punctuation: , or"),
    "a bracket before a line": (f"<p>or ({FORMULA}</p>", "a line that ends with an opening bracket: or ("),
    "a page that is too wide": ('<div id="wide" style="width: 3000px">x</div>', "wider than the window"),
}
