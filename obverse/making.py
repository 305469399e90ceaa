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
from obverse.crew import Crew, Made, made
from obverse.jobs import Job
from obverse.ledger import Key, Ledger, Outputs, Written, packed, problems_in, touched, unpacked
from obverse.options import BuildOptions
from obverse.plan import Plan
from obverse.problems import Problem
from obverse.rows import holding, whole
from obverse.theme import Theme

# With no more than this to make, all of it is there about as soon as a part of it.
FEW = 24
# With more than this to make, all that is known is unpacked at once: row by row takes longer.
MANY = 1_000

Stale = list[tuple[Job, str]]
"""Jobs to be done, each with the reason."""


@dataclass(slots=True)
class Finished:
    """What came of it: all live outputs, what was written and why, and what is to be removed.

    `failures` are the problems of outputs that could not be made: no setting lets them pass. `unsaid` are the outputs
    whose problems are not among `problems`: these, and those that are put off. `partial` when some of it was put off.
    """

    stage: Stage
    outputs: Outputs
    written: dict[str, str] = field(default_factory=dict)
    removals: tuple[str, ...] = ()
    problems: list[Problem] = field(default_factory=list)
    failures: list[Problem] = field(default_factory=list)
    unsaid: set[str] = field(default_factory=set)
    partial: bool = False

    def put_off(self, stale: Stale, later: Stale, old: Outputs) -> Stale:
        """Leave all that is known as it is, and what is stale but for `stale`, if anything, to the next build."""
        if not later:
            return stale
        self.partial = True
        for path in old.stamps:
            if path not in self.outputs.stamps:
                self.outputs.take(path, old)
        for job, because in later:
            if job.output in old.stamps:
                record = old.records[job.output]._replace(because=because)
                self.outputs.put(job.output, record, old.reads[job.output], ())
                self.unsaid.add(job.output)
        return stale

    def close(self, old: Outputs) -> None:
        """Say what is to be removed, and what is wrong with all that stands."""
        self.removals = tuple(sorted(old.stamps.keys() - self.outputs.stamps.keys()))
        told = (self.outputs.records[path].problems for path in sorted(self.outputs.told - self.unsaid))
        self.problems.extend(one for problems in told for one in problems_in(problems))

    def asks(self, number: int) -> bool:
        """Whether some output asks the question of this number."""
        return any(True for _ in holding(self.outputs.reads, frozenset({number})))

    def live_questions(self) -> set[int]:
        """The numbers of all questions that some output asks."""
        return set(unpacked(b"".join(set(whole(self.outputs.reads).values()))))

    def distrust_written(self) -> None:
        """Leave stamps that no file has on all that was written, so that the next build makes it again."""
        self.outputs.stamps.update(dict.fromkeys(self.written, ()))

    def renumber(self, numbers: Mapping[int, int]) -> None:
        """Number the questions of all outputs anew."""
        reads = whole(self.outputs.reads).items()
        self.outputs.reads = {path: packed(numbers[old] for old in unpacked(row)) for path, row in reads}


def finish(
    planned: Plan,
    old: Ledger,
    answers: Answers,
    theme: Theme,
    crew: Crew,
    stage: Stage,
    options: BuildOptions,
) -> Finished:
    """Make what is stale of the plan and the assets wanted by any live output. Raises StoppedError.

    Of a great many, only those that somebody looks at, if any of these is stale.
    """
    same_rules = bool(old.asked.keys or not old.outputs)
    again = planned.again and same_rules
    known = old.outputs if again else old.outputs.whole()
    done = Finished(stage, known.without_assets() if again else Outputs())
    others = touched(stage.places.out, stage.places.release, known.stamps)
    asking = dict(holding(known.reads, answers.changed)) if answers.changed else {}
    # What has the job it had, is as it was left, and asked nothing that is answered differently, is not looked at.
    suspects = sorted(asking.keys() | others) if again else planned.jobs
    if again and len(suspects) > MANY:
        known.whole()
    waiting: Mapping[str, Job] = {path: planned.jobs[path] for path in suspects if path in planned.jobs}
    looked: set[str] = set()
    first = True
    while waiting or first:
        stale: Stale = []
        for output, job in waiting.items():
            because = "it is new"
            if output in known.stamps:
                other = not (again and first) and known.records[output].job != job.record
                because = _stale(output, known, others, asking, answers, same_rules=same_rules, other=other)
            if because:
                stale.append((job, because))
            elif output not in done.outputs.stamps:
                done.outputs.take(output, known)
        if options.first and same_rules and known and first:
            stale = done.put_off(*_in_view(stale, options.first), known)
        if same_rules and len(stale) <= FEW:  # they will mostly ask what they asked
            asked = {known.reads[job.output] for job, _ in stale if job.output in known.stamps}
            answers.expect(set(unpacked(b"".join(asked))))
        results = made([job for job, _ in stale], crew, answers, stage)
        for number, ((job, because), one) in enumerate(zip(stale, results, strict=True)):
            options.progress("rendering", number, len(stale))
            _keep(job, one, because, done)
        first = False
        looked.update(waiting)
        waiting = {job.output: job for job in _wanted(done, theme) if job.output not in looked}
    done.close(known)
    return done


def _in_view(stale: Stale, first: frozenset[str]) -> tuple[Stale, Stale]:
    """What to make now, and what to put off: nothing when there is little to do or nobody looks at any of it."""
    seen = [one for one in stale if one[0].output in first]
    if not seen or len(stale) <= len(seen) + FEW:
        return stale, []
    return seen, [one for one in stale if one[0].output not in first]


def _stale(
    output: str,
    known: Outputs,
    others: Mapping[str, bool],
    asking: Mapping[str, int],
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
    if output in asking:
        return f"the answer to {spoken(answers.question(asking[output]))} changed"
    if not known.stamps[output]:  # it was put off
        return known.records[output].because
    if output not in others:
        return ""
    return "somebody else changed it" if others[output] else "it was not there any more"


def spoken(key: Key) -> str:
    """A question as people read it: `card('articles/a.md')`."""
    kind, *arguments = key
    return f"{kind}({', '.join(map(repr, arguments))})"


def _keep(job: Job, one: Made, because: str, done: Finished) -> None:
    done.stage.add(job, one.staged)
    done.written[job.output] = because
    if one.failed:
        done.failures.extend(problems_in(one.problems))
        done.unsaid.add(job.output)
    record = Written(job.record, one.wants, one.problems, because)
    done.outputs.put(job.output, record, packed(one.reads), one.stamp)


def _wanted(done: Finished, theme: Theme) -> Iterator[Job]:
    """The jobs of all assets that live outputs want."""
    for name in sorted(done.outputs.wants):
        asset = theme.asset(name)
        if asset is not None:
            yield Job(asset.output, "/" + asset.output, "asset", params=(name,))
