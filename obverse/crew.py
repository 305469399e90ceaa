"""The crew: jobs -> made outputs on the stage, here or in several processes, in the order of the jobs.

A worker has all that this process had when it was forked. What it asks beyond that it tells with each output: the
questions get their numbers here, so that one ledger comes of it, whoever did the work.
"""

from __future__ import annotations

import contextlib
import marshal
import os
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import NamedTuple

from obverse.answers import Answers
from obverse.commit import CannotWriteError, Stage
from obverse.jobs import Job, Output
from obverse.ledger import PlainProblems, problems_in, problems_out
from obverse.memo import Memo
from obverse.workers import located, spread

Make = Callable[[Job], Output]

# Fewer than this are made before a second process has begun.
ENOUGH = 48
# A worker is given this many at a time, so that it goes on while this process is busy, or waits for a processor.
_CHUNK = 32
# With more than this of one template, the first of them is made before there are workers.
_MANY = 8

# Of these there are many, and each takes about as long. Others may show the whole site: whoever came to one of them
# last would be waited for by all.
_SHORT = frozenset({"asset", "file", "list", "page", "redirect"})


class Made(NamedTuple):
    """A finished job whose bytes lie on the stage.

    `reads` are the numbers of the questions it asked, `wants` the assets it names, `staged` the file its bytes are in
    until the commit, `stamp` its stat. `failed` when there are no bytes.
    """

    reads: tuple[int, ...]
    wants: tuple[str, ...]
    staged: str
    stamp: tuple[int, ...]
    problems: PlainProblems
    failed: bool


class Crew(NamedTuple):
    """Who makes outputs: how a job is done, what is remembered from build to build, and in how many processes.

    `meanwhile` is called once when others have begun to work, so that this process does something useful too.
    """

    make: Make
    memo: Memo
    workers: int = 1
    meanwhile: Callable[[], None] = lambda: None


def made(jobs: Sequence[Job], crew: Crew, answers: Answers, stage: Stage) -> Iterator[Made]:
    """Make the jobs, one after the other or by several processes. Raises StoppedError."""
    if crew.workers < 2 or len(jobs) < ENOUGH:
        yield from (_staged(crew.make(job), stage) for job in jobs)
        return
    here = _firsts(jobs)
    early = {number: _staged(crew.make(jobs[number]), stage) for number in here}
    others = [number for number in in_turn(jobs) if number not in here]
    elsewhere = _made_elsewhere([jobs[number] for number in others], crew, answers, stage)
    with contextlib.closing(elsewhere) as there:
        come = zip(others, there, strict=True)
        for number in range(len(jobs)):
            while number not in early:
                early.update([next(come)])
            yield early.pop(number)


def _firsts(jobs: Sequence[Job]) -> frozenset[int]:
    """The first of each template that makes many: made here, so that workers begin with it and with common answers."""
    first: dict[tuple[str, str], int] = {}
    many: set[int] = set()
    counts: Counter[tuple[str, str]] = Counter()
    for number, job in enumerate(jobs):
        key = job.kind, job.template
        first.setdefault(key, number)
        counts[key] += 1
        if counts[key] > _MANY:
            many.add(first[key])
    return frozenset(many)


def in_turn(jobs: Sequence[Job]) -> list[int]:
    """The numbers of the jobs, those that may take long first."""
    return sorted(range(len(jobs)), key=lambda number: jobs[number].kind in _SHORT)


def _made_elsewhere(jobs: Sequence[Job], crew: Crew, answers: Answers, stage: Stage) -> Generator[Made, None, None]:
    """What workers make of the jobs; this process does the work where it cannot be forked."""
    first, home = len(answers), os.getpid()

    def work(mine: Iterator[Job]) -> Iterator[bytes]:
        told = first
        for job in mine:
            try:
                one = _staged(crew.make(job), stage)
            except CannotWriteError as error:
                yield marshal.dumps((0, problems_out((error.problem,)), (), ()))
                continue
            if os.getpid() == home:  # what is asked here is known here
                answers.rest()
                yield marshal.dumps((home, tuple(one), (), ()))
                continue
            asked = answers.told(told)
            answers.forget(told)
            told = len(answers)
            yield marshal.dumps((os.getpid(), tuple(one), asked, crew.memo.told()))

    numbers: dict[int, list[int]] = {}
    begun = False
    with contextlib.closing(spread(jobs, work, crew.workers, chunk=_CHUNK)) as results:
        for data in located(results, [_place(job) for job in jobs]):
            if not begun:
                crew.meanwhile()
                begun = True
            worker, plain, asked, remembered = marshal.loads(data)  # noqa: S302 - from our own child
            if remembered:
                crew.memo.keep(remembered)
            if not worker:
                raise CannotWriteError(problems_in(plain)[0])
            reads, *others = plain
            if worker != home:
                mine = numbers.get(worker) or numbers.setdefault(worker, list(range(first)))
                mine.extend(answers.adopt(question) for question in asked)
                reads = tuple(map(mine.__getitem__, reads))
            yield Made(reads, *others)


def _place(job: Job) -> str:
    return f"content/{job.subject}" if job.subject else ""


def _staged(output: Output, stage: Stage) -> Made:
    staged, stamp = stage.write(output)
    return Made(output.reads, output.wants, staged, stamp, problems_out(output.problems), output.failed)
