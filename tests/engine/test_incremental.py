"""What a build writes after an edit: what shows the edit, and nothing else."""

from __future__ import annotations

from tests.engine.sites import TinySite, stats


def test_first_build_is_clean(tiny: TinySite) -> None:
    report = tiny.good_build()
    assert report.problems == ()
    assert len(report.written) == report.total
    tiny.assert_as_clean(report)


def test_nothing_to_do_touches_nothing(built: TinySite) -> None:
    before = stats(built.out)
    report = built.good_build()
    assert (report.written, report.removed) == ((), ())
    assert stats(built.out) == before
