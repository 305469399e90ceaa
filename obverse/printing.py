"""Printing: what compiled templates do for every value they print and every call they make, done quicker than by Jinja.

The text is the same to the byte, which a test holds against Jinja's own for each case. A page prints some two hundred
values and makes sixty calls, so that what Jinja does around each of them was a fifth of the time of rendering.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from functools import partial
from keyword import iskeyword
from types import MethodType
from typing import Any

import markupsafe
from jinja2 import Environment, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context, Macro
from markupsafe import Markup, escape

from obverse.view import View

# The part of `escape` that does the work: text for text, unwrapped. Older releases do not have it by itself.
escaped: Callable[[str], str] = getattr(markupsafe, "_escape_inner", escape)


def printed(value: Any) -> str:
    """A value as the text that stands for it in HTML. What is printed is joined, so safe text need not say so again."""
    kind = type(value)
    if kind is str:
        return escaped(value)
    if kind is int:
        return str(value)
    return value if kind is Markup else escape(value)


class Printer(CodeGenerator):
    """Jinja's compiler, but for the function that escapes what is printed, and for how text is handed on.

    Jinja's blocks and templates hand on each piece of text by itself, through all that is around them; these gather
    what they print, and hand it on when another block or template comes, and at their end.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As Jinja's."""
        super().__init__(*args, **kwargs)
        self._gathered: set[str] = set()

    def blockvisit(self, nodes: Iterable[nodes.Node], frame: Frame) -> None:
        """What a template or a block consists of, and what stands inside it."""
        if frame.buffer is not None:
            super().blockvisit(nodes, frame)
            return
        self.buffer(frame)
        gathered = str(frame.buffer)
        self._gathered.add(gathered)
        super().blockvisit(nodes, frame)
        self.writeline(f"yield concat({gathered})")
        frame.buffer = None

    def visit_Block(self, node: nodes.Block, frame: Frame) -> None:  # noqa: N802 - so it is called by Jinja
        """A block that stands here; where another template says what is printed, none does."""
        if not (frame.toplevel and self.has_known_extends):
            with self._handed_on(frame):
                super().visit_Block(node, frame)

    def visit_Include(self, node: nodes.Include, frame: Frame) -> None:  # noqa: N802 - so it is called by Jinja
        """A template that stands here."""
        with self._handed_on(frame):
            super().visit_Include(node, frame)

    @contextlib.contextmanager
    def _handed_on(self, frame: Frame) -> Iterator[None]:
        """Before something that hands on by itself: what was gathered so far."""
        gathered = frame.buffer
        if gathered not in self._gathered:
            yield
            return
        self.writeline(f"yield concat({gathered})")
        self.writeline(f"{gathered}.clear()")
        frame.buffer = None
        yield
        frame.buffer = gathered

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:  # noqa: N802 - as Jinja has it
        """A call: what is called is looked at first, and then called with what the template gives and nothing else."""
        odd = node.dyn_args or node.dyn_kwargs or any(iskeyword(one.key) for one in node.kwargs)
        if odd or forward_caller or self.environment.sandboxed or self.environment.is_async:
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        self.write("context.calling(")
        self.visit(node.node, frame)
        self.write(", _loop_vars" if frame.loop_frame else ", None")
        self.write(", _block_vars)(" if frame.block_frame else ")(")
        for one in (*node.args, *node.kwargs):
            self.visit(one, frame)
            self.write(", ")
        self.write(")")

    def write_commons(self) -> None:
        """What every block has at hand: Jinja's, and the two functions that print."""
        super().write_commons()
        self.writeline("printed = environment.printed")
        self.writeline("escaped = environment.escaped")

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape:
            super()._output_child_pre(node, frame, finalize)
            return
        self.write("(escaped(text) if type(text := ")  # most of what is printed is plain text
        if finalize.src is not None:
            self.write(finalize.src)

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape:
            super()._output_child_post(node, frame, finalize)
            return
        if finalize.src is not None:
            self.write(")")
        self.write(") is str else printed(text))")


class PlainContext(Context):
    """Jinja's context, but that macros and the view's methods are called without asking how they want to be called."""

    def __init__(
        self,
        environment: Environment,
        parent: dict[str, Any],
        name: str | None,
        blocks: dict[str, Callable[[Context], Iterator[str]]],
        globals: MutableMapping[str, Any] | None = None,
    ) -> None:
        """As Jinja's. The view learns what is defined for it; what is imported without context Jinja keeps for all."""
        super().__init__(environment, parent, name, blocks, globals)
        view = parent.get("view")
        if type(view) is View:
            view.defined.append(self.vars)

    def call(self, called: Any, /, *args: Any, **kwargs: Any) -> Any:
        """What the called thing answers; Jinja passes the variables of loops and blocks for those that want them."""
        kind = type(called)
        if kind is Macro or (kind is MethodType and type(called.__self__) is View):
            kwargs.pop("_block_vars", None)
            kwargs.pop("_loop_vars", None)
            return called(self.eval_ctx, *args, **kwargs) if kind is Macro else called(*args, **kwargs)
        return super().call(called, *args, **kwargs)

    def calling(
        self, called: Any, loop_vars: dict[str, Any] | None, block_vars: dict[str, Any] | None = None
    ) -> Callable[..., Any]:
        """What to call for it with a template's arguments alone; a macro knows by itself whether it is safe here."""
        kind = type(called)
        if kind is MethodType and type(called.__self__) is View:
            return called  # type: ignore[no-any-return]
        if kind is Macro and called._default_autoescape == self.eval_ctx.autoescape:  # noqa: SLF001 - nobody else says
            return called  # type: ignore[no-any-return]
        return partial(self.call, called, _loop_vars=loop_vars, _block_vars=block_vars)
