"""rendering: the door to Jinja. What makes an output of a job, and all that is loaded when the first one comes."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable
from typing import Any

from obverse.answers import Answers
from obverse.bundled import bundled
from obverse.data import read_data
from obverse.desk import Desk, shares
from obverse.facts import Part, Place
from obverse.jobs import Job, Output
from obverse.pages import Reader
from obverse.pictures import RASTER, size_of
from obverse.plan import TEMPLATES
from obverse.site import File, Site
from obverse.sources import Source, digest_of
from obverse.view import Refused


def jinja_of(desk: Desk) -> Any:
    """The environment of all templates, as the site's hook leaves it."""
    from obverse.bytecode import bytecode
    from obverse.templates import environment

    folder, shared = desk.options.workshop / "bytecode", shares(desk.options, desk.sources)
    compiled = None if desk.options.clean else bytecode(folder, bundled("templates"), desk.rules, shared=shared)
    return desk.hooks.jinja(environment(desk.theme, compiled))


def prepare(desk: Desk, jinja: Callable[[], Any]) -> None:
    """Get ready to render while other processes read: libraries, and the templates that most sites use."""
    import obverse.run  # noqa: F401 - it takes Jinja with it

    picture = next((one for one in desk.sources.under("content/") if one.path.lower().endswith(RASTER)), None)
    if picture:
        size_of(File(picture.path, "", picture.digest, picture.file))
    desk.theme.word_problems()  # with that, all words are read
    reached = dict(one for name in TEMPLATES.values() for one in desk.theme.closure(name) or ())
    for name, source in reached.items():
        if source and name.endswith(".html"):
            with contextlib.suppress(Exception):  # what is wrong with a template is told when it is rendered
                jinja().get_template(name)


def maker(
    desk: Desk, site: Site, answers: Answers, reader: Reader, data: dict[str, Source], jinja: Callable[[], Any]
) -> Any:
    """The function that makes an output from a job. What it needs is set up when the first job comes."""

    def parts(path: str) -> tuple[Part, ...]:
        return reader.parts(site.entries[path], desk.sources.files[f"content/{path}"])

    def places(path: str) -> tuple[Place, ...]:
        return reader.places(site.entries[path], desk.sources.files[f"content/{path}"])

    @functools.cache
    def values(name: str) -> Any:
        value, wrong = read_data(data[name])
        if wrong:
            raise Refused(wrong)
        return value

    @functools.cache
    def shop() -> Any:
        from obverse.run import Workshop

        return Workshop(site, desk.theme, jinja(), answers, desk.hooks, parts, places, values, {})

    def make(job: Job) -> Output:
        from obverse.run import make as make_one

        output = make_one(job, shop())
        told = desk.hooks.told()
        return output._replace(problems=(*output.problems, *told)) if told else output

    return make


def sizes(desk: Desk) -> Callable[[File], tuple[int, int] | None]:
    """The function that tells a picture's size: what it is called and what is in it say all, so that is remembered."""

    @functools.cache
    def size(file: File) -> tuple[int, int] | None:
        key = digest_of(f"{desk.rules} {file.digest} {os.path.splitext(file.path)[1]}".encode("utf-8", "surrogatepass"))
        known = desk.memo.get(key, "size")
        if known is None:
            known = size_of(file) or ()
            desk.memo.put(key, size=known)
        return known or None

    return size
