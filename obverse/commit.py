"""commit: finished outputs -> files, all or nothing. Stage everything, journal, rename, prune; the ledger comes last.

A visitor or a server reading the output folder sees whole files only: every file is written elsewhere and renamed into
place, assets before the pages that name them. Once the journal is on disk the commit is decided; whoever builds next
after a kill rolls it forward. Before that it never happened.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from obverse.ledger_file import settle
from obverse.options import RELEASE
from obverse.problems import Problem, StoppedError, problem
from obverse.sources import stamp_of

if TYPE_CHECKING:
    from obverse.jobs import Job, Output

JOURNAL = "journal"
STAGE = "stage"

# Renamed in this order: what pages need (the release too, so that no form is out before capture can know it), the
# pages, what speaks of pages. Removed in the opposite order.
_ORDER = {"asset": 0, "release": 0, "shell": 0, "file": 1, "page": 2, "list": 3, "terms": 3, "redirect": 3}
_LAST = 4
# Nearly every page has a folder of its own, which is then not there yet.
_OWN_FOLDER = "/index.html"

_UNTOUCHED = "the site is as it was; free the way and build again"
_HALFWAY = "free the way and build again: it goes on from here"


class CannotWriteError(StoppedError):
    """The disk refused."""


class Places(NamedTuple):
    """The two folders a build writes: the site's and the release's."""

    out: Path
    release: Path

    def folder(self, path: str) -> Path:
        """The folder that an output path lies in."""
        return self.release if path.startswith(RELEASE) else self.out

    def file(self, path: str) -> str:
        """The file of an output path."""
        return f"{self.folder(path)}/{path.removeprefix(RELEASE)}"


class Stage:
    """Where outputs wait, written but not yet in place, on the file system of the folder they will lie in.

    A rename keeps a file's stat, so the stamp of a staged file is the stamp it will have. Where there is no output
    folder yet, the stage is laid out like one and becomes it with a single rename.
    """

    def __init__(self, workshop: Path, places: Places) -> None:
        """Begin with an empty stage. Raises CannotWriteError when there can be none."""
        self.places = places
        out = self.out = places.out
        self.decided = False
        self.whole = not os.path.lexists(out)
        self._moves: list[tuple[int, str, str]] = []
        self._folders: set[str] = set()  # known to be no links
        self._written = 0
        try:
            self.folder = _stage_folder(workshop, out)
            self.release_folder = workshop / f"{STAGE}.release"
            for folder in (self.folder, self.release_folder):
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
        except OSError as error:
            raise CannotWriteError(_refused(out, "", error)) from error

    def write(self, output: Output) -> tuple[str, tuple[int, ...]]:
        """Write one output to the stage, from any process; the staged file and its stamp. Raises CannotWriteError.

        Nothing of it is put in place that was not also added.
        """
        path = output.job.output
        staged = self._staged(path)
        if not self.whole or path.startswith(RELEASE):  # where there is no output folder yet, there is no link in it
            self._refuse_links(path)
        try:
            return staged, tuple(stamp_of(_write(staged, output)))
        except OSError as error:
            raise CannotWriteError(_refused(self.out, path, error)) from error

    def _staged(self, path: str) -> str:
        if path.startswith(RELEASE):
            folder = self.release_folder
        elif self.whole:
            return f"{self.folder}/{path}"
        else:
            folder = self.folder
        self._written += 1
        return f"{folder}/{os.getpid()}-{self._written}"

    def add(self, job: Job, staged: str) -> None:
        """Have a staged file put in place as the output of a job."""
        self._moves.append((_ORDER.get(job.kind, _LAST), job.output, staged))

    def _refuse_links(self, path: str) -> None:
        """Raise CannotWriteError when a folder on the way to an output is a link, which might lead out of the site."""
        for folder in _folders_around(path):
            if folder in self._folders:
                return
            if os.path.islink(self.places.file(folder)):
                place = f"{self.out.name}/{folder}"
                raise CannotWriteError(problem("disk", place, "a link stands where a folder must be", hint=_UNTOUCHED))
        self._folders.update(_folders_around(path))

    def moves(self) -> list[tuple[str, str]]:
        """(staged file, output path) in the order of their renames."""
        return [(staged, output) for _, output, staged in sorted(self._moves)]

    def discard(self) -> None:
        """Take the stage away: nothing happened. Once a journal speaks of it, it is left for the next start."""
        if not self.decided:
            shutil.rmtree(self.folder, ignore_errors=True)
            shutil.rmtree(self.release_folder, ignore_errors=True)


def _write(target: str, output: Output) -> os.stat_result:
    if target.endswith(_OWN_FOLDER):
        _make_folder(target.removesuffix(_OWN_FOLDER))
    try:
        return _fill(target, output)
    except FileNotFoundError:
        _make_folder(os.path.dirname(target))
        return _fill(target, output)


def _fill(target: str, output: Output) -> os.stat_result:
    if output.copy_of:
        shutil.copyfile(output.copy_of, target)
        return os.stat(target)
    # Without a stream around it: for one whole write that would cost as much as the file itself.
    file = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o666)
    try:
        left = memoryview(output.data)
        while left:
            left = left[os.write(file, left) :]
        return os.fstat(file)
    finally:
        os.close(file)


def _make_folder(folder: str) -> None:
    """The folder around it is nearly always there: `os.makedirs` would first ask whether it is."""
    try:
        os.mkdir(folder)
    except FileExistsError:
        return
    except FileNotFoundError:
        os.makedirs(folder, exist_ok=True)


def _stage_folder(workshop: Path, out: Path) -> Path:
    """A folder on the same file system as the output folder, since only there a rename is one step."""
    nearest = next(folder for folder in (out, *out.parents) if folder.exists())
    workshop.mkdir(parents=True, exist_ok=True)
    same = nearest.stat().st_dev == workshop.stat().st_dev
    return workshop / STAGE if same else nearest / ".obverse-stage"


def commit(workshop: Path, stage: Stage, removals: Iterable[str], ledger_file: Path, ledger: bytes) -> None:
    """Put staged outputs in place and the ledger with them. From the journal's rename on it will happen, come what may.

    `removals` are output paths to take away. Raises CannotWriteError when the disk refuses.
    """
    new_ledger = ledger_file.with_suffix(".new")
    new_ledger.parent.mkdir(parents=True, exist_ok=True)
    try:
        _durable(new_ledger, ledger)
        plan = {
            "out": str(stage.places.out),
            "release": str(stage.places.release),
            "stages": [str(stage.folder), str(stage.release_folder)],
            "whole": stage.whole,
            "moves": stage.moves(),
            "removals": sorted(removals, reverse=True),
            "ledger": [str(new_ledger), str(ledger_file)],
        }
        draft = workshop / f"{JOURNAL}.new"
        _durable(draft, json.dumps(plan).encode("utf-8", "surrogatepass"))
        os.replace(draft, workshop / JOURNAL)
    except OSError as error:
        raise CannotWriteError(_refused(stage.out, "", error)) from error
    stage.decided = True
    roll_forward(workshop)


def roll_forward(workshop: Path) -> bool:
    """Finish a commit whose journal is there; says whether there was one. Every step may be repeated."""
    journal = workshop / JOURNAL
    try:
        plan = json.loads(journal.read_bytes().decode("utf-8", "surrogatepass"))
    except FileNotFoundError:
        return False
    except ValueError:
        # Not what we wrote, since that arrives whole. Outputs that are not as the ledger says are made again.
        journal.unlink()
        return False
    places = Places(Path(plan["out"]), Path(plan["release"]))
    try:
        moves = plan["moves"]
        if plan.get("whole") and _put_whole(plan["stages"][0], places.out):
            moves = [move for move in moves if move[1].startswith(RELEASE)]
        _apply(places, moves, plan["removals"])
        new_ledger, ledger = plan["ledger"]
        if os.path.exists(new_ledger):
            os.replace(new_ledger, ledger)
            settle(Path(ledger))
    except OSError as error:
        place = str(error.filename2 or error.filename or "")
        raise CannotWriteError(_refused(places.out, place, error, _HALFWAY)) from error
    for folder in plan["stages"]:
        shutil.rmtree(folder, ignore_errors=True)
    journal.unlink()
    return True


def _put_whole(stage: str, out: Path) -> bool:
    """Make the stage the output folder, if there still is none. What that cannot do, single renames do."""
    if not os.path.lexists(out):
        with contextlib.suppress(OSError):
            os.rename(stage, out)
            return True
    return False


def _apply(places: Places, moves: Iterable[tuple[str, str]], removals: Iterable[str]) -> None:
    moves, removals = list(moves), list(removals)
    for path in _in_the_way(removals, {target for _, target in moves}):
        _remove(places, path)
    for staged, target in moves:
        _put(staged, places.file(target))
    for path in removals:
        _remove(places, path)


def _in_the_way(removals: Iterable[str], targets: set[str]) -> list[str]:
    """The removals that have to go before anything comes.

    They are a file where a folder is to be, files in a folder where a file is to be, and a name that differs in case
    only, which some file systems take for the same.
    """
    folders = {folder for target in targets for folder in _folders_around(target)}
    folded = {target.casefold() for target in targets}
    return [
        path
        for path in removals
        if path in folders or path.casefold() in folded or not targets.isdisjoint(_folders_around(path))
    ]


def _folders_around(path: str) -> Iterator[str]:
    while "/" in path.removeprefix(RELEASE):
        path = path.rpartition("/")[0]
        yield path


def _remove(places: Places, path: str) -> None:
    file = Path(places.file(path))
    if not file.is_dir() or file.is_symlink():
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            file.unlink()
    _prune_empty(places.folder(path), file)


def _put(staged: str, target: str) -> None:
    """Rename a staged file into its place, if somebody who was killed has not done so before."""
    try:
        os.replace(staged, target)
    except OSError:  # there is no folder for it yet, or there is one in its place
        if not os.path.exists(staged):
            return
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.isdir(target) and not os.path.islink(target):
            _prune_below(target)
        os.replace(staged, target)


def _prune_below(folder: str) -> None:
    """Take away a folder that stands where a file must go, if only empty folders are left in it."""
    for inner, _, _ in os.walk(folder, topdown=False):
        os.rmdir(inner)


def _prune_empty(out: Path, folder: Path) -> None:
    while folder != out and out in folder.parents:
        try:
            folder.rmdir()
        except FileNotFoundError:
            pass  # it was a file, or somebody was killed between this folder and the one around it
        except OSError:
            return
        folder = folder.parent


def _durable(file: Path, data: bytes) -> None:
    with open(file, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _refused(out: Path, path: str, error: OSError, hint: str = _UNTOUCHED) -> Problem:
    reason = (error.strerror or str(error)).lower()
    where = os.path.join(out.name, os.path.relpath(path, out) if os.path.isabs(path) else path).rstrip("/")
    return problem("disk", where, f"cannot be written: {reason}", hint=hint)
