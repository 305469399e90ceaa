"""Making: which outputs are stale, and making those and what they want, until nothing more is wanted.

An output is stale when its job is another one, when an answer it asked for is another one, or when its file is not as
it was left. Everything else is kept, with the problems that were found while it was made.

When a great many are stale and somebody looks at some of them, these can be made alone: the rest is put off, which the
ledger says by stamps that no file has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

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


class _Before(NamedTuple):
    """What is known of all outputs before any is made, and what may have become of it.

    `touched` are those that are not as they were left, and whether they are there at all; `asking` those that asked
    something which is answered differently now, with the number of that question. `again` when the plan was made of
    these very outputs, `same_rules` when what was recorded of them counts.
    """

    outputs: Outputs
    touched: Mapping[str, bool]
    asking: Mapping[str, int]
    answers: Answers
    again: bool
    same_rules: bool

    def suspects(self, planned: Plan) -> dict[str, Job]:
        """The jobs to be looked at: of a plan made of known outputs, only those that something has happened to."""
        if not self.again:
            return dict(planned.jobs)
        paths = sorted(self.asking.keys() | self.touched)
        if len(paths) > MANY:
            self.outputs.unpack()
        return {path: planned.jobs[path] for path in paths if path in planned.jobs}

    def stale(self, jobs: Mapping[str, Job], done: Finished) -> Stale:
        """Those of the jobs that have to be done; of the others it is known again what was known."""
        stale: Stale = []
        for output, job in jobs.items():
            because = self._because(output, job) if output in self.outputs.stamps else "it is new"
            if because:
                stale.append((job, because))
            elif output not in done.outputs.stamps:
                done.outputs.take(output, self.outputs)
        return stale

    def _because(self, output: str, job: Job) -> str:
        """Why a known output has to be made again, "" when it stands as it is."""
        known = self.outputs
        if not self.same_rules:
            return "Obverse, a library, Python or hooks.py changed"
        planned_again = self.again and job.kind != "asset"
        if not planned_again and known.records[output].job != job.record:
            return "it is made from something else"
        if output in self.asking:
            return f"the answer to {spoken(self.answers.question(self.asking[output]))} changed"
        if not known.stamps[output]:  # it was put off
            return known.records[output].because
        if output not in self.touched:
            return ""
        return "somebody else changed it" if self.touched[output] else "it was not there any more"


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
    before = _before(planned, old, answers, stage)
    done = Finished(stage, before.outputs.without_assets() if before.again else Outputs())
    looked = before.suspects(planned)
    stale = before.stale(looked, done)
    if options.first and before.same_rules and before.outputs:
        stale = done.put_off(*_in_view(stale, options.first), before.outputs)
    _make(stale, before, crew, done, options)
    while wanted := {job.output: job for job in _wanted(done, theme) if job.output not in looked}:
        looked.update(wanted)
        _make(before.stale(wanted, done), before, crew, done, options)
    done.close(before.outputs)
    return done


def _before(planned: Plan, old: Ledger, answers: Answers, stage: Stage) -> _Before:
    same_rules = bool(old.asked.keys or not old.outputs)
    again = planned.again and same_rules
    known = old.outputs if again else old.outputs.whole()
    others = touched(stage.places.out, stage.places.release, known.stamps)
    asking = dict(holding(known.reads, answers.changed)) if answers.changed else {}
    return _Before(known, others, asking, answers, again, same_rules)


def _make(stale: Stale, before: _Before, crew: Crew, done: Finished, options: BuildOptions) -> None:
    known, answers = before.outputs, before.answers
    if before.same_rules and len(stale) <= FEW:  # they will mostly ask what they asked
        asked = {known.reads[job.output] for job, _ in stale if job.output in known.stamps}
        answers.expect(set(unpacked(b"".join(asked))))
    results = made([job for job, _ in stale], crew, answers, done.stage)
    for number, ((job, because), one) in enumerate(zip(stale, results, strict=True)):
        options.progress("rendering", number, len(stale))
        _keep(job, one, because, done)


def _in_view(stale: Stale, first: frozenset[str]) -> tuple[Stale, Stale]:
    """What to make now, and what to put off: nothing when there is little to do or nobody looks at any of it."""
    seen = [one for one in stale if one[0].output in first]
    if not seen or len(stale) <= len(seen) + FEW:
        return stale, []
    return seen, [one for one in stale if one[0].output not in first]


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
