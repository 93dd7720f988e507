"""What is wrong with a chat template itself, whatever the rows: each function names its fault, '' where there is none.

`Template.once` asks each of them once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from jinja2 import TemplateError, meta, nodes

from tunesmith.inputs import sandbox
from tunesmith.inputs.sandbox import Refused
from tunesmith.inputs.templates import PLAIN, Template

_SAID = "qzprobe"
_ASKED = {"role": "user", "content": "?"}
_ANSWERED = [_ASKED, {"role": "assistant", "content": _SAID}]
_GIVEN = frozenset(("messages", "tools", "add_generation_prompt", "strftime_now"))
_DAYS = (datetime(2001, 2, 3, 4, 5), datetime(2009, 11, 17, 23, 59))  # no word of them is the same


def prompt(template: Template) -> str:
    """'none': what asks for an answer does not open the assistant's turn.  'differs': it is not what stands before the
    answer in training, so that the model is asked in a way that it was not taught."""
    try:
        asked, taught = template.write([_ASKED], prompt=True), template.write(_ANSWERED)
    except Refused:
        return ""
    before, said, _ = taught.partition(_SAID)
    if not said:
        return ""
    if not before.startswith(asked.rstrip()):
        return "differs"
    return "none" if before[len(asked.rstrip()) :].strip() else ""


def beginning(template: Template) -> str:
    """'twice': the bos token stands twice at the start.  'missing': the tokenizer puts it before every text, and the
    template does not."""
    bos = template.words.get("bos_token", "")
    if not bos:
        return ""
    try:
        text = template.write(_ANSWERED)
    except Refused:
        return ""
    if text.removeprefix(bos).lstrip().startswith(bos) and text.startswith(bos):
        return "twice"
    return "missing" if template.begins == bos and not text.startswith(bos) else ""


def dated(template: Template) -> str:
    """What the template writes of the day on which it is asked."""
    try:
        first, second = (template.write(_ANSWERED, now=day) for day in _DAYS)
    except Refused:
        return ""
    if first == second:
        return ""
    lines = zip(first.splitlines(), second.splitlines(), strict=False)
    return next((one for one, two in lines if one != two), "its text")[:60]


def repeated(template: Template) -> str:
    """'repeated' where what the assistant says stands more than once in the text."""
    try:
        return "repeated" if template.write(_ANSWERED).count(_SAID) > 1 else ""
    except Refused:
        return ""


def unknown_names(template: Template) -> str:
    """Names that the template uses and nobody gives: Jinja writes nothing in their place."""
    known = _GIVEN | template.words.keys()
    found = set().union(*(_undeclared(program) for program in _programs(template)))
    return ", ".join(sorted(found - known))


def padding(template: Template) -> str:
    """The token that pads rows, where it is one that ends a turn too."""
    pad = template.words.get("pad_token", "")
    return pad if pad in template.closers else ""


def _programs(template: Template) -> Iterator[str]:
    yield template.program or PLAIN
    if template.with_tools:
        yield template.with_tools


def _undeclared(program: str) -> set[str]:
    place = sandbox.environment()
    try:
        tree = place.parse(program)
    except TemplateError:
        return set()
    own = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "store"}  # set in some branch
    return meta.find_undeclared_variables(tree) - place.globals.keys() - own - set(_asked_about(tree))


def _asked_about(tree: nodes.Template) -> Iterator[str]:
    """Names that the template itself asks about before it relies on them: tested, or with a default."""
    for node in tree.find_all((nodes.Test, nodes.Filter)):
        asks = node.name in ("defined", "undefined", "none", "default", "d")
        if asks and isinstance(node.node, nodes.Name):
            yield node.node.name
    for node in tree.find_all((nodes.If, nodes.CondExpr)):
        yield from _truths(node.test)


def _truths(test: nodes.Node) -> Iterator[str]:
    if isinstance(test, nodes.Name):
        yield test.name
    elif isinstance(test, nodes.Not):
        yield from _truths(test.node)
    elif isinstance(test, nodes.And | nodes.Or):
        yield from _truths(test.left)
        yield from _truths(test.right)
