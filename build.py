"""The front door: `python3 build.py [COMMAND …]` makes what is missing, then hands over to the `obverse` command.

    python3 build.py                    builds content/ into site/
    python3 build.py serve              the same, with a live preview; likewise check, new, why, list …
    python3 build.py test [ARGUMENTS]   in Obverse's own repository: every check, or pytest with these arguments

A Python that has Obverse is used as it is. Otherwise Obverse's own repository keeps one in .venv, filled from the
hash-locked files beside this one, and made anew when they or the Python change. Standard library only; the syntax is
one that old Pythons can read, so that they can be told.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("Obverse needs Python 3.11 or newer; this is Python {}.{}.{}.".format(*sys.version_info))

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "obverse.stamp"  # what .venv was made from; written last, so that a killed start leaves none
LOCK, TEST_LOCK = "requirements.lock", "requirements-test.lock"  # the second holds the first, at the same versions
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "chromium-headless-shell")


def main(words: list[str]) -> int:
    """Find or make the environment and hand the words over. Where a process can be replaced, this never returns."""
    if words[:1] == ["test"] and is_repository():
        return test(words[1:])
    if not words or (words[0].startswith("-") and words[0] not in {"-h", "--help", "--version"}):
        words = ["build", *words]
    # -P: nothing in the folder one stands in may pass for a library.
    command = [environment(LOCK), "-P", "-m", "obverse", *words]
    # A job that stands in no site (cron starts at home) means the one beside this file.
    os.environ.setdefault("OBVERSE_SITE", str(HERE))
    if os.name == "posix":
        os.execv(command[0], command)  # noqa: S606
    return run(command)


def is_repository() -> bool:
    """Whether Obverse's source lies beside this file, and not a site made by `obverse new site`."""
    return (HERE / "obverse" / "__init__.py").is_file() and (HERE / LOCK).is_file()


def environment(lock: str) -> str:
    """A Python that has Obverse: the running one, or that of .venv, which in the repository is made when needed."""
    if has_obverse(sys.path):
        return sys.executable
    if has_obverse(packages()):
        return str(PYTHON)
    if not is_repository():
        sys.exit(
            "Obverse is neither in this Python nor in .venv beside build.py. To install it from its folder:\n"
            f"  {Path(sys.executable).name} -m venv '{VENV}' && '{PYTHON}' -m pip install /path/to/obverse"
        )
    if not is_fresh(lock):
        with alone():
            if not is_fresh(lock):  # another start may have made it meanwhile
                make(lock)
    return str(PYTHON)


def has_obverse(folders: Iterable[str | Path]) -> bool:
    """Whether Obverse is installed in one of these folders of libraries."""
    names = []
    for folder in folders:
        with suppress(OSError):
            names += os.listdir(folder or ".")
    return any(name.startswith("obverse-") and name.endswith(".dist-info") for name in names)


def packages() -> list[Path]:
    """The folders of libraries in .venv: one, unless it is not there or another Python was put over it by hand."""
    return [path for path in (*VENV.glob("lib/python*/site-packages"), VENV / "Lib" / "site-packages") if path.is_dir()]


def wanted(lock: str) -> list[str]:
    """What .venv has to be made from, a line each: the Python, and the digest of every locked list."""
    from hashlib import sha256

    digests = [f"{name} {sha256((HERE / name).read_bytes()).hexdigest()}" for name in dict.fromkeys((LOCK, lock))]
    return ["python {}.{}.{}".format(*sys.version_info), *digests]


def is_fresh(lock: str) -> bool:
    """Whether .venv is finished and made from what it has to be made from."""
    if not (PYTHON.exists() and STAMP.exists()):
        return False
    return set(wanted(lock)) <= set(STAMP.read_text("utf-8").splitlines())


@contextmanager
def alone() -> Iterator[None]:
    """Hold the right to make .venv. A second start waits for it, and for what a killed one has left running."""
    if os.name == "nt":
        yield
        return
    import fcntl

    with (HERE / ".venv.lock").open("w") as turn:
        os.set_inheritable(turn.fileno(), True)
        try:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another start is setting up .venv; waiting for it.")
            fcntl.flock(turn, fcntl.LOCK_EX)
        yield


def make(lock: str) -> None:
    """Make .venv, or add the test tools to one that lacks nothing else, from what the lock names and nothing more."""
    from importlib.util import find_spec

    if not (find_spec("venv") and find_spec("ensurepip")):
        name = "python{}.{}-venv".format(*sys.version_info)
        sys.exit(f"This Python cannot make environments. On Debian and Ubuntu: apt-get install {name}")
    say(f"Setting up .venv from {lock}: this is done once and takes about half a minute.")
    if not is_fresh(LOCK):
        STAMP.unlink(missing_ok=True)
        if Path(sys.prefix).resolve() != VENV:  # an environment cannot be cleared under itself
            must([sys.executable, "-I", "-m", "venv", "--clear", str(VENV)])
    # Wheels only, and no dependency but the locked: nothing is built, so nothing unhashed is fetched to build with.
    exactly = ["--require-hashes", "--only-binary=:all:", "--no-deps", "-r", str(HERE / lock)]
    quietly = ["--quiet", "--progress-bar=off", "--no-input", "--disable-pip-version-check"]
    must([str(PYTHON), "-I", "-m", "pip", "install", *quietly, *exactly])
    for folder in packages():
        # Relative, so plain ASCII wherever the repository lies: a .pth file is read in the machine's own encoding.
        (folder / "obverse.pth").write_text(os.path.relpath(HERE, folder) + "\n", "utf-8")
    draft = STAMP.with_suffix(".new")
    draft.write_text("\n".join(wanted(lock)) + "\n", "utf-8")
    draft.replace(STAMP)


def test(words: list[str]) -> int:
    """Run every check: style, types and the suite. With words, pytest alone, which is given them."""
    python = environment(TEST_LOCK)
    if not is_fresh(TEST_LOCK) and run([python, "-c", "import mypy, playwright, pytest, pytest_cov, ruff, xdist"]):
        sys.exit(f"This Python has Obverse, but not its test tools: pip install --require-hashes -r {TEST_LOCK}")
    browser = chromium() or chromium_installed()
    if browser:
        os.environ["OBVERSE_CHROMIUM"] = browser
    else:
        fate = "fail" if os.environ.get("CI") else "are skipped"
        say(f"There is no Chromium and none could be installed: the tests in a browser {fate}.")
    every = (["ruff", "check"], ["mypy"], ["pytest", "-n", "auto", "--dist", "worksteal"])
    codes = [run([python, "-P", "-m", *step], HERE) for step in ([["pytest", *words]] if words else every)]
    return next((code for code in codes if code), 0)


def chromium() -> str:
    """The path of the Chromium to test in: the one that OBVERSE_CHROMIUM names, else the first on PATH, else ""."""
    from shutil import which

    named = os.environ.get("OBVERSE_CHROMIUM")
    return next(filter(None, map(which, [named] if named else BROWSERS)), "")


def chromium_installed() -> str:
    """The path of a Chromium got from the system's packages, which takes root or a sudo that does not ask; else ""."""
    from shutil import which

    apt, sudo = which("apt-get"), which("sudo")
    prefix = [] if apt and os.geteuid() == 0 else [sudo, "-n"] if sudo else None
    if apt and prefix is not None:
        say("Installing Chromium from the system's packages.")
        for words in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
            run([*prefix, "env", "DEBIAN_FRONTEND=noninteractive", apt, "--quiet=2", *words])
    return chromium()


def run(command: list[str], folder: Path | None = None, output: int | None = None) -> int:
    """The exit code of a command, run to its end in this terminal; in this folder, with this output, when given."""
    import subprocess

    # close_fds: a child of make() keeps the turn that alone() took until it ends, even when its parent is killed.
    return subprocess.call(command, cwd=folder, stdout=output, close_fds=False)


def must(command: list[str]) -> None:
    """Run a step of the set-up; when it fails, its own words stand above and the start ends here."""
    if run(command, output=sys.stderr.fileno()):
        sys.exit("The set-up did not succeed; what is above says why. Starting again tries again.")


def say(line: str) -> None:
    """Tell the terminal; not standard output, which belongs to the command."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        sys.exit(f"build.py: {error}")
