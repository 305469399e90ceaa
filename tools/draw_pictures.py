"""Draw the pictures of the starter site again: `python3 tools/draw_pictures.py`.

Standard library only; the same bytes every time. What is drawn where is the table at the end.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import diagrams
import plates
import scenes
from share import share

CONTENT = Path(__file__).resolve().parent.parent / "content"

PICTURES: dict[str, Callable[[], str]] = {
    "img/marketing-vs-sales.svg": scenes.marketing_vs_sales,
    "img/what-is-a-lead.svg": scenes.what_is_a_lead,
    "img/service-level-agreement.svg": scenes.service_level_agreement,
    "img/first-reply.svg": scenes.first_reply,
    "img/contact-forms.svg": plates.contact_forms,
    "img/reading-a-pipeline.svg": scenes.reading_a_pipeline,
    "img/feedback-loop.svg": scenes.feedback_loop,
    "img/one-person-both-jobs.svg": scenes.one_person_both_jobs,
    "img/glossary.svg": plates.glossary,
    "articles/lost-deals/shelf.svg": plates.lost_deals,
    "articles/spring-cleaning/drawer.svg": plates.spring_cleaning,
    "articles/which-article-won/trail.svg": plates.which_article_won,
    "img/funnel-and-pipeline.svg": diagrams.funnel_and_pipeline,
    "img/relay.svg": diagrams.relay,
    "img/two-clocks.svg": diagrams.two_clocks,
    "img/loop.svg": diagrams.loop,
    "img/pipeline-by-age.svg": diagrams.pipeline_by_age,
    "articles/which-article-won/path.svg": diagrams.customer_path,
    "img/ida-nichols.svg": diagrams.ida_nichols,
    "img/tobias-okafor.svg": diagrams.tobias_okafor,
    "img/marit-vance.svg": diagrams.marit_vance,
}


def main() -> int:
    """Write every picture under content/."""
    for name, draw in PICTURES.items():
        target = CONTENT / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(draw(), encoding="utf-8", newline="\n")
    (CONTENT / "img/share.png").write_bytes(share())
    return 0


if __name__ == "__main__":
    sys.exit(main())
