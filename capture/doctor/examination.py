"""The examination as a story: settings, data, machine, mail -> findings, printed, and an exit code."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from capture.audit.chain import verified
from capture.backup.pause import paused
from capture.columns import harmless
from capture.doctor import machine, mail
from capture.doctor.findings import ERROR, WARNING, Finding, as_text, error, unknown, warning, well
from capture.house import House
from capture.outbox.keys import keys_of, signing
from capture.run.demands import is_placeholder
from capture.run.options import RunOptions
from capture.run.preparation import Prepared, prepare
from capture.secrets import load_secrets
from capture.setup import VAR
from capture.spool import ASIDE, files
from capture.store import audit, outbox
from capture.store.database import Unavailable
from capture.store.moments import maybe_from
from capture.store.tables import submissions
from obverse.problems import Level, Problem


def examine(root: Path, dns: mail.Dns, *, as_json: bool = False) -> int:
    """Print what is found at a site. Returns 1 when something does not work, else 0."""
    found = list(findings(root, dns, datetime.now(UTC)))
    print(json.dumps([asdict(one) for one in found], indent=1) if as_json else harmless_text(found))
    return int(any(one.state == ERROR for one in found))


def harmless_text(found: list[Finding]) -> str:
    """The findings for a terminal, and how many of them want something done."""
    counts = [(sum(one.state == state for one in found), state) for state in (ERROR, WARNING)]
    told = ", ".join(f"{count} {state}{'s' if count > 1 else ''}" for count, state in counts if count)
    lines = [harmless(line) for line in as_text(found).splitlines()]
    return "\n".join([*lines, "", told or "all is well"])


def findings(root: Path, dns: mail.Dns, now: datetime) -> Iterator[Finding]:
    """All that can be said of a site at a moment."""
    folder = root / VAR
    if not folder.is_dir():
        yield unknown("files", "there is no var/ yet: `obverse run` and `obverse users add` make it")
        return
    yield machine.room(folder)
    yield machine.syncs(folder)
    yield from machine.permissions(folder)
    if missing := key_missing(folder):
        yield missing
        return
    prepared, wrong = prepare(RunOptions(root))
    yield from map(_of_problem, wrong)
    if prepared is None:
        return
    try:
        yield from _of_the_house(prepared, now)
        yield from _of_mail(prepared, dns, now)
    finally:
        prepared.house.database.close()


def key_missing(folder: Path) -> Finding | None:
    """What to say of a site without its key, None when it has one or its secrets are broken, which is told elsewhere.

    To go on would make one, and whoever looks next would find nothing missing.
    """
    given, wrong = load_secrets(folder, os.environ)
    if given.key or any(one.level is Level.ERROR and one.code != "secrets-open" for one in wrong):
        return None
    said = f"{VAR}/secrets.toml has no key: proofs of work, repeats of a form, links in mails and the audit log need it"
    mend = "put it back as it was, by `key` there or OBVERSE_KEY; where there never was one, obverse run makes it"
    return error("key", said, mend)


def _of_problem(one: Problem) -> Finding:
    where = f"{one.place}: " if one.path else ""
    return Finding(WARNING if one.level is Level.WARNING else ERROR, "settings", where + one.message, one.hint)


def _of_the_house(prepared: Prepared, now: datetime) -> Iterator[Finding]:
    demands = prepared.demands()
    yield from map(_of_problem, demands)
    if not demands:
        yield well("settings", "nothing that `obverse run` asks for is missing")
    try:
        with prepared.house.ready().read() as connection:
            newest = connection.execute(sa.select(sa.func.max(submissions.c.received_at))).scalar()
            health = outbox.health(connection)
    except Unavailable as away:
        yield error("database", f"it is not to be had: {away}", "what visitors send waits in var/spool until it is")
        return
    yield well("database", "it answers, and its tables are those of this program")
    yield machine.clock(now, maybe_from(newest))
    yield from _of_the_audit(prepared.house)
    yield from _of_the_spool(prepared.house)
    if reason := paused(prepared.house.setup.folder):
        yield warning("outbox", f"it sends nothing: {reason}", "look at what waits, then: obverse outbox resume")
    for channel, state in health.items():
        if state.dead:
            said = f"{state.dead} of the {channel} channel could not be delivered: {state.last_error}"
            yield error("outbox", said, "mend the cause, and send them again at /inbox/deliveries")
        elif state.stopped:
            said = f"{state.stopped} of the {channel} channel wait, stopped by their receiver: {state.last_error}"
            yield error("outbox", said, "mend its address, then: obverse outbox resume")
        else:
            yield well("outbox", f"{channel}: {state.waiting} waiting, none given up")


def _of_the_audit(house: House) -> Iterator[Finding]:
    with house.ready().read() as connection:
        found = verified(audit.walked(connection), house.setup.secrets.key)
    if found.broken:
        mend = "find out who may write to the database; compare with the heads that your backups name"
        yield error("audit", found.broken, mend)
    elif found.foreign:
        said = f"{found.foreign} rows of the log were sealed with another key than the site's"
        yield warning("audit", said, "if nobody exchanged the key, compare with the heads that your backups name")
    else:
        yield well("audit", f"all {found.rows} rows of the log hang together")


def _of_the_spool(house: House) -> Iterator[Finding]:
    waiting, aside = files(house.spool), files(house.spool / ASIDE)
    if aside:
        said = f"{len(aside)} submissions in var/spool/bad cannot be read"
        yield error("spool", said, "look into them: they are JSON, and hold what visitors wrote")
    if waiting:
        said = f"{len(waiting)} submissions wait in the spool"
        yield warning("spool", said, "start `obverse run`: it stores them")
    if not aside and not waiting:
        yield well("spool", "nothing waits in it")


def _of_mail(prepared: Prepared, dns: mail.Dns, now: datetime) -> Iterator[Finding]:
    settings, given = prepared.settings, prepared.house.setup.secrets
    if settings.sender and given.smtp:
        yield mail.server(given.smtp, settings.sender)
    if is_placeholder(settings.sender.rpartition("@")[2]):
        yield unknown("mail", "what the DNS says of a placeholder says nothing")
    elif settings.sender:
        selector = prepared.config.capture.dkim if prepared.config else ""
        yield from mail.domain(settings.sender, selector, dns)
    else:
        yield unknown("mail", "nobody sends mail here yet: [capture] from is not set")
    if settings.webhook:
        yield webhook(given.webhook, now)


def webhook(secret: str, now: datetime) -> Finding:
    """Whether posts can be signed, and whether a key among them has ended."""
    keys = keys_of(secret)
    active = signing(keys, now)
    if not active:
        return error("webhook", "its secret is no whsec_…", "give OBVERSE_WEBHOOK, 24 to 64 bytes in base64")
    if len(active) < len(keys):
        said = "an old key has ended and signs nothing any more"
        return warning("webhook", said, "take it out of OBVERSE_WEBHOOK, or out of var/secrets.toml")
    return well("webhook", "it has a secret to be signed with" if len(active) == 1 else "it is signed with both keys")
