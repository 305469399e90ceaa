"""The ratios to reach, in one place, and what is said about a ratio that was measured."""

from __future__ import annotations

from dataclasses import dataclass

OURS, COMMONMARK = "obverse", "obverse-commonmark"


@dataclass(frozen=True, slots=True)
class Target:
    """At most this much of what a peer takes, at a number of articles."""

    peer: str
    ratio: dict[int, float]


_EVERY = ("obverse", "obverse-commonmark")

# Scenario and tool -> the target. Times are wall clock; "peak memory" is that of a cold build.
TARGETS: dict[tuple[str, str], Target] = {
    ("cold", OURS): Target("pelican", {1000: 0.30}),
    ("cold", COMMONMARK): Target("hugo", {1000: 0.90, 10000: 0.75}),
    **{
        (scenario, tool): Target("hugo", {1000: small, 10000: large})
        for tool in _EVERY
        for scenario, small, large in (
            ("nothing changed", 0.10, 0.03),
            ("one body", 0.12, 0.035),
            ("one title", 0.15, 0.04),
            ("base template", 0.70, 0.40),
            ("peak memory", 0.35, 0.20),
            ("save to disk", 0.5, 0.2),
        )
    },
}


def verdict(scenario: str, tool: str, articles: int, medians: dict[str, float]) -> tuple[str, float | None, str]:
    """The peer to compare with, our share of what it takes (None when it was not measured), and the words beside it."""
    target = TARGETS.get((scenario, tool))
    peer = target.peer if target else "hugo"
    if tool not in _EVERY or tool not in medians or not medians.get(peer):
        return peer, None, ""
    ratio = medians[tool] / medians[peer]
    wanted = target.ratio.get(articles) if target else None
    if wanted is None:
        return peer, ratio, ""
    return peer, ratio, f"<= {wanted:g} {'ok' if ratio <= wanted else 'MISSED'}"
