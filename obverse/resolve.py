"""resolve: a surveyed body in parts -> HTML. Links, pictures and calls are filled with what the site says now.

Nothing is parsed here: survey cut the HTML at every place that depends on the site. Where that is written is asked only
of what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from obverse.facts import Call, Image, Link, Part, Place
from obverse.links import Target
from obverse.markup import policy
from obverse.markup.places import NOWHERE
from obverse.printing import escaped
from obverse.problems import Problem, problem, softened
from obverse.questions import Picture
from obverse.site import Card
from obverse.view import View

Render = Callable[[View, Card, Call], tuple[Markup, tuple[Problem, ...]]]


class Spot(NamedTuple):
    """Where parts stand: the content path of their page, whether it is a draft, and the places of all slots in it."""

    path: str
    draft: bool
    places: Callable[[], Sequence[Place]]

    def problem(self, found: Target, slot: int) -> Problem:
        """The problem of the link in a slot, at its line in the file."""
        return self.placed(problem(found.code, "", found.message, hint=found.hint), slot)

    def placed(self, one: Problem, slot: int) -> Problem:
        """A problem at the place of a slot."""
        places = self.places()
        # With fewer, the file is another one by now: the next build reads it again.
        place = places[slot] if slot < len(places) else NOWHERE
        put = replace(one, path=f"content/{self.path}", line=place.line, column=place.column, excerpt=place.excerpt)
        return softened((put,))[0] if self.draft else put


def resolve(parts: Sequence[Part], spot: Spot, view: View, card: Card, component: Render) -> Markup:
    """The body as HTML; what is wrong with it is added to the view's problems."""
    targets = _targets(parts, spot, view)
    pictures = slot = 0
    filled: list[str] = []
    for part in parts:
        if isinstance(part, str):
            filled.append(part)
            continue
        if isinstance(part, Link):
            filled.append(_link(part, targets[part.destination], spot, view, slot))
        elif isinstance(part, Image):
            filled.append(_image(part, spot, view, slot, first=pictures == 0))
            pictures += 1
        else:
            html, problems = component(view, card, part)
            view.problems.extend(spot.placed(one, slot) for one in problems)
            filled.append(html)
        slot += 1
    return Markup("".join(filled))  # noqa: S704 - literal parts come from survey, values are escaped


def _targets(parts: Sequence[Part], spot: Spot, view: View) -> Mapping[str, Target]:
    """Where all links of a body lead: one question, since a page that is rendered needs every answer."""
    destinations = tuple(dict.fromkeys([part.destination for part in parts if isinstance(part, Link)]))
    return dict(zip(destinations, view.ask("links", spot.path, destinations), strict=True)) if destinations else {}


def _link(link: Link, found: Target, spot: Spot, view: View, slot: int) -> str:
    # What its scheme alone forbids, survey has told already.
    if found.code and policy.scheme(link.destination) is None:
        view.problems.append(spot.problem(found, slot))
    return escaped(found.url or "#")


def _image(image: Image, spot: Spot, view: View, slot: int, *, first: bool) -> str:
    found: Picture = view.ask("picture", spot.path, image.source)
    if found.target.code and policy.scheme(image.source) is None:
        view.problems.append(spot.problem(found.target, slot))
    given = dict(image.attributes)
    attributes: dict[str, Any] = {"src": found.target.url, "alt": image.alt or "", **given}
    if found.width and "width" not in given and "height" not in given:
        attributes |= {"width": found.width, "height": found.height}
    if not first:
        # The first picture may be what the reader waits for; the others come when they are near.
        attributes.setdefault("loading", "lazy")
        attributes.setdefault("decoding", "async")
    return f"<img{_attributes(attributes)}>"


def _attributes(values: dict[str, Any]) -> str:
    return "".join(f" {name}" if value is None else f' {name}="{escape(value)}"' for name, value in values.items())
