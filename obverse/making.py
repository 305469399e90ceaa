"""Making: which outputs are stale, and making those and what they want, until nothing more is wanted.

An output is stale when its job is another one, when an answer it asked for is another one, or when its file is not as
it was left. Everything else is kept, with the problems that were found while it was made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from obverse.answers import Answers
from obverse.commit import Stage
from obverse.crew import Made, Make, made
from obverse.jobs import Job
from obverse.ledger import Key, Ledger, Written, packed, problems_in, stamps_of, unpacked
from obverse.plan import Plan
from obverse.problems import Problem
from obverse.theme import Theme


@dataclass(slots=True)
class Finished:
    """What came of it: every live output's record, what was written and why, and what is to be removed.

    `failures` are the problems of outputs that could not be made: no setting lets them pass.
    """

    stage: Stage
    records: dict[str, Written] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    removals: tuple[str, ...] = ()
    problems: list[Problem] = field(default_factory=list)
    failures: list[Problem] = field(default_factory=list)

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
    progress: Callable[[str, int, int], None],
    workers: int = 1,
) -> Finished:
    """Make what is stale of the plan and the assets wanted by any live output. Raises StoppedError."""
    done = Finished(stage)
    stamps = stamps_of(stage.places.out, stage.places.release, old.outputs)
    same_rules = bool(old.asked.keys or not old.outputs)
    waiting = planned.jobs
    while waiting:
        stale = []
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
        results = made([job for job, _ in stale], make, answers, stage, workers)
        for number, ((job, because), one) in enumerate(zip(stale, results, strict=True)):
            progress("rendering", number, len(stale))
            _keep(job, one, because, done)
        waiting = {job.output: job for job in _wanted(done, theme) if job.output not in done.records}
    done.removals = tuple(sorted(set(old.outputs) - set(done.records)))
    return done


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
