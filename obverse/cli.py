"""The `obverse` command: words on a command line -> one of its commands, printed and as an exit code.

The one module that may compose both sides of Obverse. Each command imports what it needs when it runs. Exit codes: 0
well, 1 problems, 2 a command line that makes no sense.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import gc
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from obverse import __version__
from obverse.commands import ENGINE, SETTINGS, Command, add_root, site_root, told
from obverse.compiled import begun
from obverse.garbage import RARELY, USUALLY

if TYPE_CHECKING:
    from obverse.config import Config
    from obverse.serve import Beside


def command() -> NoReturn:
    """The whole life of a process that is this command."""
    compiled = begun()
    code = main()
    compiled.keep()
    _leave(code)


def main(words: Sequence[str] | None = None) -> int:
    """Run the command these words name (those of the process when None). Returns the exit code."""
    _never_fail_to_print()
    words = sys.argv[1:] if words is None else words
    given = parser(words[0] if words else "").parse_args(words)
    try:
        return _run(given)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone (`obverse list | head`); there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        from obverse.build import disk

        code = told(disk(error), "")
        _give_up_printing()
        return code


def _leave(code: int) -> NoReturn:
    """End the process. What a large site was made of is given back at once, not object by object.

    Whoever asked to be called at the end is called; where other threads are about, Python ends as it always does.
    """
    threading = sys.modules.get("threading")
    if threading is not None and threading.active_count() > 1:
        sys.exit(code)
    atexit._run_exitfuncs()  # noqa: SLF001 - os._exit calls nobody
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # there is none, nobody listens, it is closed
            stream.flush()
    os._exit(code)


def _run(given: argparse.Namespace) -> int:
    run: Callable[[argparse.Namespace], int] = given.run
    gc.set_threshold(*RARELY)
    code = run(given)
    if sys.stdout:  # none was given to a command that starts with it closed
        sys.stdout.flush()  # here a reader that has gone is noticed, not while Python ends
    return code


def _give_up_printing() -> None:
    """Let go of what cannot be printed: on a full disk Python would try again, and fail, while it ends."""
    try:
        if sys.stdout:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _never_fail_to_print() -> None:
    """A title may hold what the terminal's encoding lacks: show it escaped rather than fail."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def parser(name: str = "") -> argparse.ArgumentParser:
    """The command line as argparse reads it; that of one command alone, if it is named: all take ten times as long."""
    made = argparse.ArgumentParser(
        prog="obverse", description="A folder of Markdown becomes a fast site, and every reader who writes, an inquiry."
    )
    made.add_argument("--version", action="version", version=f"obverse {__version__}")
    commands = made.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)
    for command in [one for one in COMMANDS if one.name == name] or COMMANDS:
        one = commands.add_parser(command.name, help=command.help, description=command.help)
        command.options(one)
        one.set_defaults(run=command.run)
    return made


def _add_serve(one: argparse.ArgumentParser) -> None:
    add_root(one)
    one.add_argument("--host", metavar="HOST", help="the address to listen on (default: [serve] host, 127.0.0.1)")
    one.add_argument("--port", metavar="PORT", type=int, help="the port to listen on (default: [serve] port, 8000)")
    one.add_argument("--open", action="store_true", help="open the browser")


def _serve(given: argparse.Namespace) -> int:
    from obverse.serve import ServeOptions, serve

    root = site_root(given)
    gc.set_threshold(*USUALLY)
    return serve(ServeOptions(root, given.host, given.port, open_browser=given.open, beside=_capture_beside(root)))


def _settings(root: Path) -> Config | None:
    """The site's settings, what is wrong with them left to whoever works with them; None where there is no site."""
    from obverse.config import load

    file = root / SETTINGS
    return load(file.read_text(encoding="utf-8-sig", errors="replace"))[0] if file.is_file() else None


def _capture_beside(root: Path) -> Callable[[str], Beside]:
    """What `serve` serves beside the pages: the forms' endpoint, the inbox, and the bar under each page."""

    def beside(address: str) -> Beside:
        from capture.preview import open_preview
        from capture.store.database import Unavailable
        from capture.store.migrations import TooNew
        from obverse.build import BuildOptions
        from obverse.serve import Beside

        config = _settings(root)
        if config is None:  # the preview says so; there is nothing yet that a form could be sent from
            return Beside()
        release = BuildOptions(root, mode="preview").release_folder
        token = os.environ.get("OBVERSE_REPORT", "")
        try:
            preview = open_preview(root, address, release, config.report.source, token)
        except (OSError, Unavailable, TooNew) as error:
            return Beside(lines=(f"forms and inbox are not there: {error}",))
        mounts = tuple((prefix, preview.app.wsgi_app) for prefix in ("/_ob/", "/inbox/", "/api/"))
        lines = (f"the inbox is at {address}{preview.entrance}",)
        return Beside(mounts, ("/_ob/bar.js",), lines, preview.close)

    return beside


def _add_run(one: argparse.ArgumentParser) -> None:
    add_root(one)
    one.add_argument(
        "--host", metavar="HOST", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)"
    )
    one.add_argument("--port", metavar="PORT", type=int, default=8080, help="the port to listen on (default: 8080)")
    one.add_argument("--no-build", action="store_true", help="serve the forms and the inbox alone, from var/releases/")
    one.add_argument("--proxies", metavar="N", type=int, help="how many proxies stand before it, not [capture] proxies")
    one.add_argument("--quiet", action="store_true", help="leave requests out of the log")


def _run_house(given: argparse.Namespace) -> int:
    from capture.run import RunOptions, run
    from obverse.build import BuildOptions
    from obverse.security import headers

    root = site_root(given)
    config = _settings(root)
    order = BuildOptions(root)
    gc.set_threshold(*USUALLY)
    build = (sys.executable, "-P", "-m", "obverse", "build", "--json", "--root", str(root))
    return run(
        RunOptions(
            root=root,
            host=given.host,
            port=given.port,
            build=() if given.no_build or config is None else build,
            headers=headers(config.capture.origin if config else ""),
            ledger=order.ledger_file,
            site=order.folder,
            nightly=_nightly(root, config),
            proxies=given.proxies,
            quiet=given.quiet,
        )
    )


def _nightly(root: Path, config: Config | None) -> dict[str, tuple[str, ...]]:
    """What `run` does once a night: command lines, by name."""
    from obverse.config import Capture

    days = (config.capture if config else Capture()).backups
    keep = (sys.executable, "-P", "-m", "obverse", "backup", "--root", str(root), "--days", str(days))
    forget = (sys.executable, "-P", "-m", "obverse", "retention", "--root", str(root))
    prove = (sys.executable, "-P", "-m", "obverse", "audit", "verify", "--root", str(root))
    return {**({"backup": keep} if days else {}), "retention": forget, "audit": prove}


def _add_backup(one: argparse.ArgumentParser) -> None:
    add_root(one)
    one.add_argument(
        "target", metavar="TARGET", nargs="?", default="", help="a file, or a folder (default: var/backups)"
    )
    one.add_argument(
        "--days", metavar="N", type=int, default=0, help="keep one of each of the last N days, and 5 weeks"
    )
    one.add_argument("--without-secrets", action="store_true", help="leave var/secrets.toml out")


def _backup(given: argparse.Namespace) -> int:
    from capture.backup.command import back_up

    return back_up(site_root(given), given.target, given.days, secrets=not given.without_secrets)


def _add_restore(one: argparse.ArgumentParser) -> None:
    add_root(one)
    one.add_argument("file", metavar="FILE", help="a backup")
    one.add_argument("--drill", action="store_true", help="only prove that it can be restored, beside the house")


def _restore(given: argparse.Namespace) -> int:
    from capture.backup.command import drill, restore

    return (drill if given.drill else restore)(site_root(given), Path(given.file).absolute())


def _add_outbox(one: argparse.ArgumentParser) -> None:
    kinds = one.add_subparsers(title="what to do", dest="what", metavar="WHAT", required=True)
    add_root(kinds.add_parser("resume", help="let it send again after a restore, or to a receiver that wanted no more"))
    replay = kinds.add_parser("replay", help="send one again, or what was given up in a range of time")
    replay.add_argument("id", metavar="ID", nargs="?", default="", help="the id of one: its webhook-id")
    replay.add_argument("--from", dest="since", metavar="TIME", default="", help="a day or a time: the first")
    replay.add_argument(
        "--to", dest="until", metavar="TIME", default="", help="a day or a time: the last (default: now)"
    )
    replay.add_argument("--channel", choices=("mail", "webhook", "chat"), default="", help="only these")
    replay.add_argument("--sent", action="store_true", help="what was sent as well, for a receiver that lost it")
    add_root(replay)


def _outbox(given: argparse.Namespace) -> int:
    from capture import terminal

    if given.what == "resume":
        return terminal.outbox_resume(site_root(given))
    return terminal.outbox_replay(
        site_root(given), given.id, given.since, given.until, given.channel, sent_too=given.sent
    )


def _add_preview(one: argparse.ArgumentParser) -> None:
    add_root(one)
    one.add_argument("--preview", action="store_true", help="those of the preview, not of the live site")


def _add_inquiries(one: argparse.ArgumentParser) -> None:
    kinds = one.add_subparsers(title="what to do", dest="what", metavar="WHAT", required=True)
    listed = kinds.add_parser("list", help="the inquiries, who waits longest first")
    listed.add_argument("--view", choices=("open", "held", "won", "lost", "all"), default="open")
    listed.add_argument("--search", metavar="TEXT", default="", help="only those with these words")
    listed.add_argument("--json", action="store_true", help="print them as JSON")
    show = kinds.add_parser("show", help="one inquiry with all that is known of it")
    stage = kinds.add_parser("stage", help="move an inquiry to a stage")
    note = kinds.add_parser("note", help="add a note to an inquiry")
    export = kinds.add_parser("export", help="all inquiries, as CSV or JSON")
    for part in (show, stage, note):
        part.add_argument("id", metavar="ID", help="the inquiry's id, or the first four or more of its characters")
    stage.add_argument("stage", choices=("new", "contacted", "qualified", "won", "lost"))
    stage.add_argument("--value", metavar="AMOUNT", default="", help="what a won one is worth, such as 8000")
    stage.add_argument("--reason", metavar="REASON", default="", help="why one was lost")
    note.add_argument("text", metavar="TEXT")
    export.add_argument("--format", choices=("csv", "json"), default="csv")
    for part in (listed, show, stage, note, export):
        _add_preview(part)


def _inquiries(given: argparse.Namespace) -> int:
    from capture import terminal

    root, preview = site_root(given), given.preview
    calls: dict[str, Callable[[], int]] = {
        "list": lambda: terminal.inquiries_list(root, given.view, given.search, given.json, preview),
        "show": lambda: terminal.inquiries_show(root, given.id, preview),
        "stage": lambda: terminal.inquiries_stage(root, given.id, given.stage, given.value, given.reason, preview),
        "note": lambda: terminal.inquiries_note(root, given.id, given.text, preview),
        "export": lambda: terminal.inquiries_export(root, given.format, preview),
    }
    return calls[given.what]()


def _add_users(one: argparse.ArgumentParser) -> None:
    kinds = one.add_subparsers(title="what to do", dest="what", metavar="WHAT", required=True)
    add = kinds.add_parser("add", help="let somebody into the inbox; asks for a password")
    add.add_argument("--name", metavar="NAME", default="", help="what they are called")
    password = kinds.add_parser("password", help="give somebody another password, and end their sessions")
    remove = kinds.add_parser("remove", help="let somebody in no longer")
    for part in (add, password, remove):
        part.add_argument("email", metavar="EMAIL")
    for part in (add, password, kinds.add_parser("list", help="who may log in"), remove):
        _add_preview(part)


def _users(given: argparse.Namespace) -> int:
    from capture import terminal

    root, preview = site_root(given), given.preview
    calls: dict[str, Callable[[], int]] = {
        "add": lambda: terminal.users_add(root, given.email, given.name, preview),
        "password": lambda: terminal.users_password(root, given.email, preview),
        "list": lambda: terminal.users_list(root, preview),
        "remove": lambda: terminal.users_remove(root, given.email, preview),
    }
    return calls[given.what]()


def _add_report(one: argparse.ArgumentParser) -> None:
    _add_preview(one)
    one.add_argument("--since", metavar="DATE", default="", help="only what came in since that day, as 2026-01-31")
    one.add_argument("--format", choices=("table", "csv", "json"), default="table")


def _report(given: argparse.Namespace) -> int:
    from capture import terminal

    return terminal.report(site_root(given), given.since, given.format, given.preview)


def _add_release(one: argparse.ArgumentParser) -> None:
    kinds = one.add_subparsers(title="what to do", dest="what", metavar="WHAT", required=True)
    push = kinds.add_parser("push", help="copy what the last build released into another host's var/releases/")
    push.add_argument("folder", metavar="DIR")
    add_root(push)


def _release(given: argparse.Namespace) -> int:
    from capture.run.push import push

    return push(site_root(given), Path(given.folder).absolute())


def _add_doctor(one: argparse.ArgumentParser) -> None:
    add_root(one)
    one.add_argument("--json", action="store_true", help="print the findings as JSON")
    one.add_argument("--dns", metavar="HOST[:PORT]", default="", help="ask this name server, not the machine's own")


def _doctor(given: argparse.Namespace) -> int:
    from capture.doctor.examination import examine
    from capture.doctor.mail import Resolver

    return examine(site_root(given), Resolver(given.dns), as_json=given.json)


def _add_contacts(one: argparse.ArgumentParser) -> None:
    kinds = one.add_subparsers(title="what to do", dest="what", metavar="WHAT", required=True)
    export = kinds.add_parser("export", help="all that is held of a person, as JSON")
    erase = kinds.add_parser("erase", help="erase all that is held of a person; reports stay")
    for part in (export, erase):
        part.add_argument("email", metavar="EMAIL")
        _add_preview(part)


def _contacts(given: argparse.Namespace) -> int:
    from capture import terminal

    call = terminal.contacts_export if given.what == "export" else terminal.contacts_erase
    return call(site_root(given), given.email, given.preview)


def _add_retention(one: argparse.ArgumentParser) -> None:
    one.add_argument("--dry-run", action="store_true", help="say what would go, and leave it")
    one.add_argument("--yes", action="store_true", help="let more than a quarter of all inquiries go at once")
    _add_preview(one)


def _retention(given: argparse.Namespace) -> int:
    from capture import terminal

    return terminal.retention(site_root(given), given.dry_run, given.yes, given.preview)


def _add_audit(one: argparse.ArgumentParser) -> None:
    one.add_argument("what", choices=("list", "verify"), nargs="?", default="list", help="show it, or prove it whole")
    one.add_argument("--since", metavar="TIME", default="", help="list: from a day or a time on")
    one.add_argument("--kind", metavar="KIND", default="", help="list: only rows of a kind, such as user.added")
    one.add_argument("--actor", metavar="WHO", default="", help="list: only of a person's address, terminal or house")
    one.add_argument("--json", action="store_true", help="list: all rows with their hashes, as JSON")
    one.add_argument("--head", metavar="N:HASH", default="", help="verify: a head that was noted before")
    _add_preview(one)


def _audit(given: argparse.Namespace) -> int:
    from capture.audit import command

    root, preview = site_root(given), given.preview
    if given.what == "verify":
        return command.verify(root, given.head, preview)
    return command.listed(root, given.since, given.kind, given.actor, given.json, preview)


COMMANDS = (
    *ENGINE,
    Command("serve", "Serve a preview that follows every save, with its forms and inbox.", _add_serve, _serve),
    Command("run", "Run the site, its forms and its inbox for the world.", _add_run, _run_house),
    Command("inquiries", "See and work on inquiries.", _add_inquiries, _inquiries),
    Command("contacts", "Hand out or erase what is held of a person.", _add_contacts, _contacts),
    Command("retention", "Let go of what has been kept for long enough.", _add_retention, _retention),
    Command("users", "Say who may log in to the inbox.", _add_users, _users),
    Command("report", "Say what came of each article.", _add_report, _report),
    Command("backup", "Back up what visitors sent, and prove that it can be read.", _add_backup, _backup),
    Command("restore", "Put a backup in place of what is there.", _add_restore, _restore),
    Command("outbox", "Work on what is still to be sent.", _add_outbox, _outbox),
    Command("audit", "Say who did what to the data, and prove that the log of it is whole.", _add_audit, _audit),
    Command("doctor", "Say what is wrong with this site and its machine, and how to mend it.", _add_doctor, _doctor),
    Command("release", "Hand the release to another host.", _add_release, _release),
)
