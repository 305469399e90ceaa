"""The crew: jobs -> made outputs on the stage, here or in several processes, in the order of the jobs.

A worker has all that this process had when it was forked. What it asks beyond that it tells with each output: the
questions get their numbers here, so that one ledger comes of it, whoever did the work.
"""

from __future__ import annotations

import marshal
import os
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from obverse.answers import Answers, Told
from obverse.commit import CannotWriteError, Stage
from obverse.jobs import Job, Output
from obverse.ledger import Rows, problems_in, problems_out
from obverse.sources import digest_of
from obverse.workers import located, spread

Make = Callable[[Job], Output]

# Fewer than this are made before a second process has begun.
ENOUGH = 48
_CHUNK = 8


class Made(NamedTuple):
    """A finished job whose bytes lie on the stage.

    `reads` are the numbers of the questions it asked, `wants` the assets it names, `digest` that of its bytes ("" for
    a copied file), `staged` the file they are in until the commit, `stamp` its stat. `failed` when there are no bytes.
    """

    reads: tuple[int, ...]
    wants: tuple[str, ...]
    digest: str
    staged: str
    stamp: tuple[int, ...]
    problems: Rows
    failed: bool


def made(jobs: Sequence[Job], make: Make, answers: Answers, stage: Stage, workers: int) -> Iterator[Made]:
    """Make the jobs, one after the other or by `workers` processes. Raises StoppedError."""
    if workers < 2 or len(jobs) < ENOUGH:
        yield from (_staged(make(job), stage) for job in jobs)
        return
    here = _firsts(jobs)
    early = {number: _staged(make(jobs[number]), stage) for number in here}
    there = iter(
        _made_elsewhere([job for number, job in enumerate(jobs) if number not in here], make, answers, stage, workers)
    )
    for number in range(len(jobs)):
        yield early.pop(number) if number in early else next(there)


def _firsts(jobs: Sequence[Job]) -> frozenset[int]:
    """The first job of each template: made here, so that every worker begins with templates and common answers."""
    found: dict[tuple[str, str], int] = {}
    for number, job in enumerate(jobs):
        found.setdefault((job.kind, job.template), number)
    return frozenset(found.values())


def _made_elsewhere(jobs: Sequence[Job], make: Make, answers: Answers, stage: Stage, workers: int) -> Iterator[Made]:
    first = len(answers)

    def work(mine: Iterator[Job]) -> Iterator[bytes]:
        told = first
        for job in mine:
            try:
                one = _staged(make(job), stage)
            except CannotWriteError as error:
                yield marshal.dumps((0, problems_out((error.problem,)), ()))
                continue
            asked = [tuple(question) for question in answers.told(told)]
            told = len(answers)
            yield marshal.dumps((os.getpid(), tuple(one), asked))

    numbers: dict[int, list[int]] = {}
    for data in located(spread(jobs, work, workers, chunk=_CHUNK), [_place(job) for job in jobs]):
        worker, plain, asked = marshal.loads(data)  # noqa: S302 - from our own child
        if not worker:
            raise CannotWriteError(problems_in(plain)[0])
        known = numbers.setdefault(worker, list(range(first)))
        known.extend(answers.adopt(Told(*question)) for question in asked)
        one = Made(*plain)
        yield one._replace(reads=tuple(known[number] for number in one.reads))


def _place(job: Job) -> str:
    return f"content/{job.subject}" if job.subject else ""


def _staged(output: Output, stage: Stage) -> Made:
    staged, stamp = stage.write(output)
    digest = "" if output.copy_of else digest_of(output.data)
    return Made(output.reads, output.wants, digest, staged, stamp, problems_out(output.problems), output.failed)
