"""Sphinx extension: the reference page is made from the docstrings of the package, so nothing is typed twice.

Docstrings are plain text: mathematics in its own letters, names in `backticks`, sections such as `Args:`, and examples.
autodoc finds them; here they become reStructuredText. The directive `parameterizations` goes through the registry.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.std import StandardDomain
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

TITLES = {
    "Args": "Arguments",
    "Attributes": "Attributes",
    "Returns": "Returns",
    "Raises": "Raises",
    "Shapes": "Shapes",
}
ENTRIES = ("Args", "Attributes", "Raises")  # sections that are lists of names and what is said of them

INLINE = re.compile(
    r"`(?P<name>[\w.]+)(?P<call>\(\))?`"  # a name, a link where it is one of this package's
    r"|`(?P<code>[^`]+)`"
    r"|(?P<string>'\w+')"
    r"|(?<![^\W_])(?P<base>[^\W\d_]|\])_(?P<below>[^\W_]+)"  # an index: w_gf, but not kernel_size
    r"|\^(?P<above>\([^()]*\)|[a-zA-Z\d])"
    r"|(?P<prime>(?<=\b[a-zA-Z])'(?!\w))"
    r"|(?P<special>[\\*`|_])"
)


def to_rest(docstring: str) -> list[str]:
    """The lines of a docstring as reStructuredText.

    >>> to_rest("Size of w_gf.\\n\\nRaises:\\n    ValueError: a grid below 1.\\n\\n>>> 1 + 1\\n2")
    ['\\\\ Size of w\\\\ :sub:`gf`\\\\ .', '', ':Raises:', '    - ``ValueError``: \\\\ a grid below 1.', '', \
'>>> 1 + 1', '2', '']
    """
    lines: list[str] = []
    for block in re.split(r"\n\s*\n", inspect.cleandoc(docstring)):
        first, *rest = block.splitlines()
        if first.removesuffix(":") in TITLES and rest:
            lines += _section(first.removesuffix(":"), rest)
        elif first.startswith(">>>"):
            lines += [first, *rest]
        elif first.startswith(" "):
            lines += ["::", "", first, *rest]
        else:
            lines.append(_paragraph([first, *rest]))
        lines.append("")
    return lines


def _section(name: str, body: list[str]) -> list[str]:
    body = inspect.cleandoc("\n".join(["", *body])).splitlines()
    lines = [f":{TITLES[name]}:"]
    if name not in ENTRIES:
        return [*lines, "    " + _paragraph(body)]
    for head, text in _entries(body):
        names = ", ".join(f"``{one}``" for one in head.split(", "))
        lines.append(f"    - {names}: {_paragraph(text)}")
    return lines


def _entries(body: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Names and what is said of them: 'stride, dilation: pixels', continued on indented lines."""
    starts = [number for number, line in enumerate(body) if not line.startswith(" ")]
    for start, stop in zip(starts, [*starts[1:], len(body)], strict=True):
        head, _, text = body[start].partition(":")
        yield head, [text, *body[start + 1 : stop]]


def _paragraph(lines: list[str]) -> str:
    """One line, with nothing at its start that could be read as a list."""
    return "\\ " + INLINE.sub(_inline, " ".join(" ".join(lines).split()))


def _inline(match: re.Match[str]) -> str:
    """What was found in running text, in the notation of reStructuredText."""
    part = match.groupdict(default="")
    if part["name"]:
        return f":py:obj:`{part['name']}{part['call']} <{part['name']}>`"
    if part["code"] or part["string"]:
        return f"``{part['code'] or part['string']}``"
    if part["base"]:
        return f"{part['base']}\\ :sub:`{part['below']}`\\ "
    if part["above"]:
        return f"\\ :sup:`{part['above'].strip('()')}`\\ "
    return "′" if part["prime"] else "\\" + part["special"]


def shape_comments(function: Callable[..., Any]) -> str:
    """An `Args:` section from the comments behind the arguments in the source, for docstrings that have none."""
    signature = inspect.getsource(function).partition('"""')[0]
    found = re.findall(r"^    (\w+):.*  # (.+)$", signature, flags=re.MULTILINE)
    return "\n".join(["Args:", *(f"    {name}: {shape}." for name, shape in found)]) if found else ""


def adapt(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """autodoc-process-docstring: replace the lines by reStructuredText."""
    docstring = "\n".join(lines)
    if what == "function" and "\nArgs:\n" not in docstring:
        docstring = re.sub(r"\n\n(?=>>>|Returns:)", f"\n\n{shape_comments(obj)}\n\n", docstring, count=1)
    lines[:] = to_rest(docstring)


class Parameterizations(SphinxDirective):
    """A table of all parameterizations, and a section for each, in the order of the registry."""

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        """The nodes that stand for the directive."""
        from fourierconv.parameterizations import NAMES, get  # torch is not needed to read the other pages

        entries = [get(name) for name in NAMES]
        table = [".. list-table::", "   :header-rows: 1", "   :class: parameterizations", ""]
        table += ["   * - name", "     - kernel", "     - arguments of its own"]
        for entry in entries:
            summary = str(inspect.getmodule(type(entry)).__doc__).splitlines()[0].partition(": ")[2]
            own = []
            if entry.scale_limits is not None:
                own.append("``scale``, {:g} to {:g} pixels".format(*entry.scale_limits))
            if entry.has_reference_grid:
                own.append("``reference_grid``")
            table += [f"   * - :py:obj:`{entry.name}`", f"     - {_paragraph([summary])}", f"     - {'; '.join(own)}"]
        result = self.parse(table)
        for entry in entries:
            label = f"parameterization-{entry.name}"
            section = nodes.section("", nodes.title("", "", nodes.literal("", entry.name)), ids=[label])
            section += self.parse(to_rest(str(type(entry).__doc__)))
            standard(self.env).note_hyperlink_target(label, self.env.docname, label, entry.name)
            result.append(section)
        return result

    def parse(self, lines: list[str]) -> list[nodes.Node]:
        """Nodes of reStructuredText."""
        node = nodes.Element()
        self.env.ref_context["py:module"] = "fourierconv.parameterizations"
        self.state.nested_parse(StringList(lines, source=str(self.get_location())), 0, node)
        del self.env.ref_context["py:module"]
        return node.children


def resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, contnode: nodes.Element) -> nodes.Element | None:
    """missing-reference: names in backticks that are no names of this package, and types of other packages, are text.

    Among parameterizations a name such as `scaled` leads to its section.
    """
    if node["refdomain"] != "py":
        return None
    label = f"parameterization-{node['reftarget']}"
    page, anchor = standard(env).anonlabels.get(label, ("", ""))
    if page and node.get("py:module") == "fourierconv.parameterizations":
        return make_refnode(app.builder, node["refdoc"], page, anchor, contnode)
    typed_out = node["reftype"] != "class" and node["reftarget"].startswith("fourierconv.")
    return None if typed_out else contnode


def standard(env: BuildEnvironment) -> StandardDomain:
    """The domain of labels."""
    domain = env.get_domain("std")
    assert isinstance(domain, StandardDomain)
    return domain


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    app.setup_extension("sphinx.ext.autodoc")
    app.add_directive("parameterizations", Parameterizations)
    app.connect("autodoc-process-docstring", adapt)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
