"""A submission, and the site as it is now -> all who are told of it, on every channel. The one rule, whoever asks.

A post that is stored at once, one that waited in the spool, and a held one that is let in tell the same people: those
whom the form names today. What they are told is what the visitor saw and sent.
"""

from __future__ import annotations

from capture.ids import Ids
from capture.model import Outgoing, Submission
from capture.outbox.auto_reply import auto_reply
from capture.outbox.confirmation import confirmations
from capture.outbox.notifications import outgoing_for
from capture.release import Release
from capture.watch.targets import outgoing_of


def audience(release: Release, submission: Submission, ids: Ids) -> list[Outgoing]:
    """Who is told: those of the form; of a test by the house itself those who are told of tests.

    Of a form that the release has never known nobody is told. Whether it is held is for the store to heed.
    """
    if submission.canary:
        return outgoing_of(release.settings, submission)
    form = release.told(submission)
    if form is None:
        return []
    page = release.pages.get(submission.page)
    mails = [*auto_reply(form, submission, ids), *confirmations(submission, ids)]
    return outgoing_for(form, release.settings, submission, page) + mails
