"""Making: which outputs are stale, and making those and what they want, until nothing more is wanted.

An output is stale when its job is another one, when an answer it asked for is another one, or when its file is not as
it was left. Everything else is kept, with the problems that were found while it was made.

When a great many are stale and somebody looks at some of them, these can be made alone: the rest is put off, which the
ledger says by stamps that no file has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from obverse.answers import Answers
from obverse.commit import Stage
from obverse.crew import Made, Make, made
from obverse.jobs import Job
from obverse.ledger import Key, Ledger, Written, packed, problems_in, stamps_of, unpacked
from obverse.options import BuildOptions
from obverse.plan import Plan
from obverse.problems import Problem
from obverse.theme import Theme

# With no more than this to make, all of it is there about as soon as a part of it.
FEW = 24

Stale = list[tuple[Job, str]]
"""Jobs to be done, each with the reason."""


@dataclass(slots=True)
class Finished:
    """What came of it: every live output's record, what was written and why, and what is to be removed.

    `failures` are the problems of outputs that could not be made: no setting lets them pass. `partial` when some of it
    was put off.
    """

    stage: Stage
    records: dict[str, Written] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    removals: tuple[str, ...] = ()
    problems: list[Problem] = field(default_factory=list)
    failures: list[Problem] = field(default_factory=list)
    partial: bool = False

    def put_off(self, later: Stale, old: Mapping[str, Written]) -> None:
        """Leave all that is known as it is, and what is stale to be made by the next build."""
        self.partial = True
        self.records = {**old, **self.records}
        for job, because in later:
            if job.output in old:
                self.records[job.output] = old[job.output]._replace(stamp=(), because=because)

    def live_questions(self) -> set[int]:
        """The numbers of all questions that some output asks."""
        return set(unpacked(b"".join({record.reads for record in self.records.values()})))

    def distrust_written(self) -> None:
        """Leave stamps that no file has on all that was written, so that the next build makes it again."""
        for path in self.written:
            self.records[path] = self.records[path]._replace(stamp=())

    def renumbered(self, numbers: Mapping[int, int]) -> dict[str, Written]:
        """The records with their questions numbered anew."""
        return {
            path: record._replace(reads=packed(numbers[old] for old in unpacked(record.reads)))
            for path, record in self.records.items()
        }


def finish(
    planned: Plan,
    old: Ledger,
    answers: Answers,
    theme: Theme,
    make: Make,
    stage: Stage,
    options: BuildOptions,
    workers: int = 1,
) -> Finished:
    """Make what is stale of the plan and the assets wanted by any live output. Raises StoppedError.

    Of a great many, only those that somebody looks at, if any of these is stale.
    """
    done = Finished(stage)
    stamps = stamps_of(stage.places.out, stage.places.release, old.outputs)
    same_rules = bool(old.asked.keys or not old.outputs)
    waiting = planned.jobs
    while waiting:
        stale: Stale = []
        for output in waiting:
            known = old.outputs.get(output)
            because = "it is new"
            if known is not None:
                other = not (planned.again and waiting is planned.jobs) and known.job != waiting[output].record
                because = _stale(output, known, stamps, answers, same_rules=same_rules, other=other)
            if known is not None and not because:
                done.records[output] = known
                if known.problems:
                    done.problems.extend(problems_in(known.problems))
            else:
                stale.append((waiting[output], because))
        if options.first and same_rules and old.outputs and waiting is planned.jobs:
            stale, later = _in_view(stale, options.first)
            if later:
                done.put_off(later, old.outputs)
        if same_rules and len(stale) <= FEW:  # they will mostly ask what they asked
            asked = {old.outputs[job.output].reads for job, _ in stale if job.output in old.outputs}
            answers.expect(set(unpacked(b"".join(asked))))
        results = made([job for job, _ in stale], make, answers, stage, workers)
        for number, ((job, because), one) in enumerate(zip(stale, results, strict=True)):
            options.progress("rendering", number, len(stale))
            _keep(job, one, because, done)
        waiting = {job.output: job for job in _wanted(done, theme) if job.output not in done.records}
    done.removals = tuple(sorted(set(old.outputs) - set(done.records)))
    return done


def _in_view(stale: Stale, first: frozenset[str]) -> tuple[Stale, Stale]:
    """What to make now, and what to put off: nothing when there is little to do or nobody looks at any of it."""
    seen = [one for one in stale if one[0].output in first]
    if not seen or len(stale) <= len(seen) + FEW:
        return stale, []
    return seen, [one for one in stale if one[0].output not in first]


def _stale(
    output: str,
    known: Written,
    stamps: Mapping[str, tuple[int, ...]],
    answers: Answers,
    *,
    same_rules: bool,
    other: bool,
) -> str:
    """Why an output has to be made again, "" when it stands as it is. `other` when its job is another one."""
    if not same_rules:
        return "Obverse, a library, Python or hooks.py changed"
    if other:
        return "it is made from something else"
    if answers.changed:
        numbers = unpacked(known.reads)
        if not answers.changed.isdisjoint(numbers):
            changed = next(number for number in numbers if number in answers.changed)
            return f"the answer to {spoken(answers.question(changed))} changed"
    if not known.stamp:  # it was put off
        return known.because
    if output not in stamps:
        return "it was not there any more"
    return "" if stamps[output] == known.stamp else "somebody else changed it"


def spoken(key: Key) -> str:
    """A question as people read it: `card('articles/a.md')`."""
    kind, *arguments = key
    return f"{kind}({', '.join(map(repr, arguments))})"


def _keep(job: Job, one: Made, because: str, done: Finished) -> None:
    done.stage.add(job, one.staged)
    done.written[job.output] = because
    (done.failures if one.failed else done.problems).extend(problems_in(one.problems))
    done.records[job.output] = Written(
        job=job.record,
        reads=packed(one.reads),
        wants=one.wants,
        stamp=one.stamp,
        digest=one.digest,
        problems=one.problems,
        because=because,
    )


def _wanted(done: Finished, theme: Theme) -> Iterator[Job]:
    """The jobs of all assets that live outputs want."""
    names = {name for record in done.records.values() for name in record.wants}
    for name in sorted(names):
        asset = theme.asset(name)
        if asset is not None:
            yield Job(asset.output, "/" + asset.output, "asset", params=(name,))
