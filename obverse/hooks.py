"""Hooks: the five typed functions a site's `hooks.py` may define. Value in, value out; a hook that fails is a problem.

`markdown_extensions(extensions)`, `jinja(environment)`, `page(page)`, `jobs(jobs)`, `html(url, html)`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from obverse.jobs import KINDS, Job
from obverse.problems import Problem, nearest, problem
from obverse.sources import HOOKS

if TYPE_CHECKING:
    from jinja2 import Environment

    from obverse.page import Page

NAMES = ("markdown_extensions", "jinja", "page", "jobs", "html")

T = TypeVar("T")


@dataclass(slots=True)
class Hooks:
    """A site's hooks; those it does not define give back what they are given."""

    functions: dict[str, Callable[..., Any]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    file: str = ""

    @property
    def plans(self) -> bool:
        """Whether the site has a say in what is made."""
        return "jobs" in self.functions

    @property
    def sees_html(self) -> bool:
        """Whether the site has a say in what is written."""
        return "html" in self.functions

    def told(self) -> list[Problem]:
        """What hooks have done wrong since this was last asked."""
        found = self.problems[:]
        self.problems.clear()
        return found

    def markdown_extensions(self, extensions: tuple[Any, ...]) -> tuple[Any, ...]:
        """Python-Markdown extensions to use besides the engine's own."""
        return tuple(self._call("markdown_extensions", extensions, extensions, check=_check_extensions))

    def jinja(self, environment: Environment) -> Environment:
        """The Jinja environment, for filters, tests and globals."""
        return self._call("jinja", environment, environment)

    def page(self, page: Page) -> Page:
        """Each page after parsing."""
        return self._call("page", page, page, check=lambda value: _check_page(page, value))

    def jobs(self, jobs: dict[str, Job]) -> dict[str, Job]:
        """All jobs by output path, after planning."""
        return self._call("jobs", jobs, jobs, check=_check_jobs)

    def html(self, url: str, html: str) -> str:
        """Each HTML output before it is written."""
        return self._call("html", html, url, html)

    def _call(self, name: str, otherwise: T, *arguments: Any, check: Callable[[Any], None] = lambda _: None) -> T:
        """What a hook gives back; `otherwise`, and a problem, when it fails or when `check` raises."""
        function = self.functions.get(name)
        if function is None:
            return otherwise
        try:
            value: T = function(*arguments)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the site's own code may do anything
            self.problems.append(_failed(name, error, self.file))
            return otherwise
        if not isinstance(value, type(otherwise)) and not (isinstance(otherwise, tuple) and isinstance(value, list)):
            message = f"{name}() must give back what it was given, changed or not; it gave {type(value).__name__}"
            self.problems.append(problem("hook", HOOKS, message))
            return otherwise
        try:
            check(value)
        except Exception as error:  # noqa: BLE001 - nor may what it gives back be trusted
            self.problems.append(problem("hook", HOOKS, f"{name}() gave back what cannot be used: {error}"))
            return otherwise
        return value


def _check_extensions(extensions: Iterable[Any]) -> None:
    """Raise what Python-Markdown says of extensions that it cannot load."""
    from markdown import Markdown

    Markdown(extensions=list(extensions))


def _check_page(before: Page, page: Page) -> None:
    """Raise when a page cannot be placed and remembered: it keeps its file, and holds plain values."""
    import marshal

    from obverse.parse import to_record

    if (page.path, page.name, page.lang) != (before.path, before.name, before.lang):
        raise ValueError(f"{before.path} cannot become another file; give it another url instead")
    if not isinstance(page.body, str):
        raise TypeError(f"{page.path} has a body that is no text, but {type(page.body).__name__}")
    try:
        marshal.dumps(to_record(page))
    except (ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"{page.path} holds more than plain values") from error


def _check_jobs(jobs: Mapping[str, Any]) -> None:
    """Raise when there is something among the jobs that cannot be made, or would be written elsewhere."""
    for output, job in jobs.items():
        if not isinstance(job, Job) or job.kind not in KINDS or job.output != output:
            raise ValueError(f"{output!r} is not a job of that output, of one of the kinds {', '.join(sorted(KINDS))}")
        if output.startswith("/") or {"", ".", ".."}.intersection(output.split("/")):
            raise ValueError(f"{output!r} is not a path under the output folder")


def load_hooks(file: Path) -> Hooks:
    """The hooks of a `hooks.py`; none when there is no such file."""
    if not file.is_file():
        return Hooks()
    # Registered as a module, since dataclasses look their own up.
    module = ModuleType("hooks")
    sys.modules["hooks"] = module
    space = vars(module)
    space["__file__"] = str(file)
    try:
        exec(compile(file.read_bytes(), str(file), "exec"), space)  # noqa: S102 - the site's own code, at its wish
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the site's own code may do anything
        return Hooks(problems=[_failed("", error, str(file))])
    functions = {name: value for name, value in space.items() if name in NAMES and callable(value)}
    return Hooks(functions, _strangers(space, file), str(file))


def _strangers(space: dict[str, Any], file: Path) -> list[Problem]:
    """Public functions that look like a misspelt hook."""
    mine = (name for name, value in space.items() if getattr(value, "__module__", "") == "hooks" and callable(value))
    found = [(name, nearest(name, NAMES)) for name in mine if not name.startswith("_") and name not in NAMES]
    return [problem("hook", file.name, f"'{name}' is not a hook", hint=hint) for name, hint in found if hint]


def _failed(name: str, error: BaseException, file: str) -> Problem:
    """The problem of a hook that raised, at the innermost line of the site's own `file`."""
    line, said = 0, str(error)
    if isinstance(error, SyntaxError) and error.filename == file:
        line, said = error.lineno or 0, error.msg
    trace = error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    where = f"{name}() failed: " if name else "cannot be loaded: "
    return problem("hook", HOOKS, f"{where}{type(error).__name__}: {said}", line=line)
