"""What a site says of itself and what this machine was given -> everything that `run` must be told before it starts.

A server that starts with defaults loses inquiries quietly: mail from nobody, to nobody, links to nowhere. So it
refuses, and says all of it at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from capture.setup import Secrets, Settings
from obverse.forms.form import Form
from obverse.problems import Problem, problem

SETTINGS = "obverse.toml"
SECRETS = "var/secrets.toml"

# Names that belong to nobody (RFC 2606), as the starter and every manual use them.
_NOBODYS = ("example", "example.com", "example.net", "example.org", "invalid")


def demands(settings: Settings, secrets: Secrets, forms: Iterable[Form], users: int | None) -> tuple[Problem, ...]:
    """Everything that is missing or still a placeholder. `users` is None while the database cannot be asked."""
    return (
        *_of_the_site(settings),
        *_of_mail(settings, secrets),
        *_of_forms(settings, forms),
        *_of_people(users),
    )


def is_placeholder(host: str) -> bool:
    """Whether a host is one of the names that manuals use."""
    name = host.lower().rstrip(".")
    return any(name == one or name.endswith(f".{one}") for one in _NOBODYS)


def _of_the_site(settings: Settings) -> Iterator[Problem]:
    host = urlsplit(settings.url).hostname or ""
    if not host:
        yield _demand("[site] url is not set", 'set it to the address visitors use: url = "https://…"')
    elif is_placeholder(host):
        yield _demand(f"[site] url is still the placeholder {host}", "set it to the address visitors use")
    if settings.origin and is_placeholder(urlsplit(settings.origin).hostname or ""):
        yield _demand("[capture] origin is still a placeholder", "set it to the origin of this endpoint, or delete it")


def _of_mail(settings: Settings, secrets: Secrets) -> Iterator[Problem]:
    if not settings.sender:
        yield _demand("[capture] from is not set, so mail cannot be sent", "set it to an address of your own domain")
    elif _is_nobody(settings.sender):
        yield _demand("[capture] from is still a placeholder", "set it to an address of your own domain")
    if not secrets.smtp:
        hint = f'set OBVERSE_SMTP=smtp://user:password@host:587, or write smtp = "…" into {SECRETS}'
        yield _demand("no mail server is known", hint, SECRETS)
    for name, url in (("webhook", settings.webhook), ("canary_webhook", settings.canary_webhook)):
        if url and not secrets.webhook:
            hint = f'set OBVERSE_WEBHOOK=whsec_…, or write webhook = "…" into {SECRETS}'
            yield _demand(f"[capture] {name} has no secret to be signed with", hint, SECRETS)
    if settings.chat and not secrets.chat:
        hint = f'set OBVERSE_CHAT=https://…, or write chat = "…" into {SECRETS}'
        yield _demand("the address of [capture] chat is not known", hint, SECRETS)


def _of_forms(settings: Settings, forms: Iterable[Form]) -> Iterator[Problem]:
    if any(map(_is_nobody, settings.notify)):
        yield _demand("[capture] notify holds a placeholder", "name people who read mail there")
    if any(map(_is_nobody, settings.canary)):
        yield _demand("[capture] canary holds a placeholder", "name a mailbox that takes tests, or delete it")
    told = {form.name: form.notify for form in forms}
    for name, notify in sorted(told.items()):
        path = f"content/forms/{name}.md"
        if any(map(_is_nobody, notify)):
            yield _demand(f"the form '{name}' notifies a placeholder", "name people who read mail there", path)
        elif not notify and not settings.notify:
            hint = "name them under notify in the form, or for all forms in [capture] notify"
            yield _demand(f"nobody is told of what the form '{name}' brings", hint, path)


def _of_people(users: int | None) -> Iterator[Problem]:
    if users == 0:
        yield _demand("nobody can log in to the inbox", "add somebody: obverse users add name@your-domain", "")


def _is_nobody(address: str) -> bool:
    return is_placeholder(address.rpartition("@")[2])


def _demand(message: str, hint: str, path: str = SETTINGS) -> Problem:
    return problem("run-setting", path, message, hint=hint)
