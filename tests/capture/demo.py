"""A believable inbox: forty inquiries to a consultancy in Hudson, New York, as its three people work on them.

All names, firms and addresses are made up. Used for screenshots and wherever a test needs a full house.
"""

import hashlib
import itertools
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from capture.app import House
from capture.house import open_house
from capture.model import Consent, Outgoing, Submission, Verdict
from capture.setup import PageRow, Secrets, Settings, Setup
from capture.store import inquiries, outbox
from capture.store.people import add_person, person
from capture.store.saving import save
from obverse.forms.form import Form, FormField
from tests.capture.house import KEY, Clock, Tokens, write_release

NOW = datetime(2026, 11, 23, 15, 20, tzinfo=UTC)  # a Monday, 10:20 in Hudson

NEWS = "I agree to receive one article a month and can withdraw at any time."
CONTACT = Form(
    "contact",
    "en",
    "Talk to us",
    "Send",
    (
        FormField("name", label="Your name", required=True, max=120),
        FormField("email", type="email", label="E-mail", required=True, max=254),
        FormField("phone", type="tel", label="Telephone"),
        FormField("website", type="url", label="Website"),
        FormField(
            "budget",
            type="choice",
            label="Budget",
            options={"small": "under 5k", "middle": "5k to 20k", "large": "over 20k"},
        ),
        FormField("message", label="How can we help?", required=True, rows=6, max=4000),
        FormField("news", type="consent", label="Newsletter", text=NEWS),
    ),
)
GUIDE = Form(
    "guide",
    "en",
    "Ask for the guide",
    "Send me the guide",
    (
        FormField("name", label="Your name"),
        FormField("email", type="email", label="E-mail", required=True, max=254),
        FormField("message", label="What made you ask?", rows=3),
        FormField("news", type="consent", label="Newsletter", text=NEWS),
    ),
)
SETTINGS = Settings(
    title="Nichols WD",
    url="https://nicholswd.example",
    languages=("en",),
    timezone="America/New_York",
    currency="USD",
    sender="hello@nicholswd.example",
    notify=("sales@nicholswd.example",),
    webhook="https://crm.nicholswd.example/hook",
    contact="hello@nicholswd.example",
)
TITLES = {
    "marketing-vs-sales": "Marketing vs. sales: two jobs, one customer",
    "what-is-a-lead": "What a lead is, and when to hand it over",
    "first-reply": "The first reply",
    "service-level-agreement": "The agreement between marketing and sales",
    "which-article-won": "Which article won the customer?",
    "reading-a-pipeline": "How to read a pipeline",
    "one-person-both-jobs": "When one person does both jobs",
    "lost-deals": "What a lost deal knows",
    "contact-forms": "Contact forms people finish",
}
PAGES = (
    *(
        PageRow(f"articles/{slug}.md", f"/articles/{slug}/", title, kind="article", section="articles")
        for slug, title in TITLES.items()
    ),
    PageRow("contact.md", "/contact/", "Talk to us"),
    PageRow("guide.md", "/guide/", "The hand-off guide"),
    PageRow("services/handoff-workshop.md", "/services/handoff-workshop/", "Hand-off workshop"),
    PageRow("services/alignment-review.md", "/services/alignment-review/", "Alignment review"),
)
PEOPLE = {
    "ida": ("ida@nicholswd.example", "Ida Nichols"),
    "tobias": ("tobias@nicholswd.example", "Tobias Okafor"),
    "marit": ("marit@nicholswd.example", "Marit Vance"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One inquiry. `steps` is what was done since: "contacted", "qualified", "won 12000", "lost price", "reply"."""

    hours: float
    name: str
    email: str
    page: str
    message: str
    owner: str = ""
    steps: tuple[str, ...] = ()
    budget: str = ""
    phone: str = ""
    website: str = ""
    held: tuple[str, ...] = ()
    form: str = "contact"
    referrer: str = ""
    news: bool = False


def a(slug: str) -> str:
    return f"articles/{slug}.md"


CASES = (
    Case(0.2, "Wanda Achterberg", "wanda@achterbergmills.example", a("first-reply"),
         "We answer inquiries within two days and lose half of them. Your article says an hour. "
         "Is that realistic for three people who are also in the workshop?\n\nWe could talk on Thursday.",
         budget="middle", phone="+1 (518) 555-0177", referrer="search.example", news=True),
    Case(0.9, "Jonah Pell", "jonah.pell@pellorchards.example", a("what-is-a-lead"),
         "Short question: is somebody who downloads a price list a lead in your sense?"),
    Case(3.1, "Sunniva Krogh", "sunniva@kroghlight.example", "services/alignment-review.md",
         "Do you review a team of two? I do the marketing, my brother sells, and we disagree about what counts.",
         owner="ida", budget="small", website="https://kroghlight.example/about"),
    Case(5.4, "Desmond Faraday-Lutz", "d.faraday@lutzhydraulics.example", a("marketing-vs-sales"),
         "Our board wants one head for both departments. I'd like an outside opinion before we advertise the post.",
         budget="large", phone="+1 518 555 0142", referrer="news.example"),
    Case(20, "Priya Ramanathan", "priya@ramanathandental.example", "contact.md",
         "Four practices, one front desk per practice, no idea which of our pages bring patients. Can you set up "
         "reporting without tracking people?", owner="marit", budget="middle"),
    Case(26, "Elke Vos", "elke.vos@vosbindery.example", a("contact-forms"),
         "Nobody finishes our form. It has nineteen fields. Help.", referrer="search.example"),
    Case(47, "Abel Ferreira", "abel@ferreiraboats.example", a("which-article-won"),
         "You write that the last click takes all the credit. We have eleven articles and forty boats a year; "
         "is it worth counting at this size?", owner="tobias", budget="middle", phone="518-555-0119"),
    Case(74, "Marisol Brandt", "marisol@brandtcider.example", a("service-level-agreement"),
         "We make cider and our wholesale inquiries come through the same form as tour bookings. Sales picks up the "
         "phone when it suits them. I need the agreement you describe, written down, before the season starts in "
         "March.\n\nWhat would a workshop for six people cost, and could it be in Hudson?",
         budget="large", phone="+1 518 555 0163", website="https://brandtcider.example", news=True),
    Case(52, "Theo Lindqvist", "theo@lindqvistsaunas.example", a("first-reply"),
         "Could you send the example answers from the article as a document?", owner="ida", steps=("reply",)),
    Case(99, "Ruth Abernathy", "ruth@abernathylaw.example", a("what-is-a-lead"),
         "We would like to book the hand-off workshop for the spring.", owner="ida",
         steps=("reply", "qualified"), budget="large", phone="+1 518 555 0188"),
    Case(120, "Kofi Mensah", "kofi@mensahroasters.example", "services/handoff-workshop.md",
         "Eight people, one day, second half of January?", owner="tobias", steps=("reply", "qualified"),
         budget="middle"),
    Case(150, "Hanneke de Wit", "hanneke@dewitgreenhouses.example", a("reading-a-pipeline"),
         "Our pipeline has been at the same sum for a year. Now I know why. When can we talk?", owner="marit",
         steps=("reply", "qualified"), budget="large"),
    Case(170, "Lucian Petrescu", "lucian@petrescutools.example", a("lost-deals"),
         "How do you ask a lost customer for the reason without sounding hurt?", owner="ida", steps=("contacted",)),
    Case(30, "", "reader@farmpost.example", "guide.md", "", form="guide", steps=("contacted",), owner="marit"),
    Case(33, "Odalys Prieto", "odalys@prietotile.example", "guide.md", "My sales manager asked me to read it.",
         form="guide", news=True),
    Case(200, "Bram Oosterhuis", "bram@oosterhuis.example", a("one-person-both-jobs"),
         "I am that one person. Do you do half days?", owner="tobias", steps=("reply", "contacted"), budget="small"),
    Case(260, "Constance Okonkwo", "constance@okonkwoclinics.example", a("which-article-won"),
         "Please quote for the reporting package, three sites.", owner="ida",
         steps=("reply", "qualified", "won 14500"), budget="large"),
    Case(420, "Niels Aagaard", "niels@aagaardwind.example", a("marketing-vs-sales"),
         "We need the two teams in one room. Who moderates?", owner="tobias",
         steps=("reply", "qualified", "won 8000"), budget="middle"),
    Case(500, "Imogen Sallow", "imogen@sallowpaper.example", a("service-level-agreement"),
         "Can you help us write the agreement and come back after a quarter?", owner="ida",
         steps=("reply", "qualified", "won 12000"), budget="middle"),
    Case(610, "Farid Haddad", "farid@haddadelevators.example", "services/alignment-review.md",
         "Alignment review for thirty people in two towns.", owner="marit",
         steps=("reply", "qualified", "won 23750.50"), budget="large"),
    Case(700, "Greta Stollberg", "greta@stollbergshoes.example", a("which-article-won"),
         "Your trail drawing is what I have been trying to explain for years.", owner="ida",
         steps=("reply", "qualified", "won 6400"), budget="small"),
    Case(820, "Yusuf Karaca", "yusuf@karacaglass.example", a("what-is-a-lead"),
         "Workshop for the sales floor, twelve people.", owner="tobias", steps=("reply", "qualified", "won 9200")),
    Case(300, "Milo Trent", "milo@trentbicycles.example", a("first-reply"),
         "What do you charge by the hour?", owner="tobias", steps=("reply", "lost price"), budget="small"),
    Case(340, "Agnieszka Wrona", "agnieszka@wronaprint.example", a("contact-forms"),
         "Do you build the forms as well?", owner="marit", steps=("reply", "lost fit")),
    Case(460, "Cormac Daly", "cormac@dalyferries.example", a("reading-a-pipeline"),
         "We are choosing between you and a larger firm.", owner="ida",
         steps=("reply", "qualified", "lost competitor"), budget="large"),
    Case(560, "Saskia Brouwer", "saskia@brouwerseeds.example", a("one-person-both-jobs"),
         "Maybe in the autumn.", owner="marit", steps=("reply", "lost timing")),
    Case(640, "Ambrose Tully", "ambrose@tullypumps.example", "contact.md",
         "Call me.", owner="tobias", steps=("contacted", "lost silence"), phone="(518) 555-0155"),
    Case(2.2, "SEO Wizard", "rank@firstpage.example", "contact.md",
         "Dear owner, we can put you on the first page within 7 days!!! See https://firstpage.example/offer now",
         held=("trap", "fast"), website="https://firstpage.example/offer"),
    Case(8.5, "Margit Holub", "margit.holub@holubstoves.example", a("first-reply"),
         "I sent this once already with my password manager and nobody answered. We sell tiled stoves; who at your "
         "place would look at our hand-over?", held=("trap",), phone="+1 518 555 0121"),
    Case(31, "crypto desk", "gain@moonfund.example", "guide.md", "double your savings", held=("fast",), form="guide"),
    Case(130, "Tamsin Ould", "tamsin@ouldropes.example", a("lost-deals"),
         "Is the talk about lost deals available as a workshop?", owner="ida", steps=("reply",)),
    Case(145, "Rafael Quintero", "rafael@quinteropiano.example", a("what-is-a-lead"),
         "We tune pianos. Everybody who calls buys. Do we have leads at all?", owner="tobias", steps=("contacted",)),
    Case(165, "Ottilie Kranz", "ottilie@kranzbooks.example", a("marketing-vs-sales"),
         "May we reprint the table in our members' letter?", owner="marit", steps=("reply",)),
    Case(190, "Beatrix Lowell", "beatrix@lowellveterinary.example", a("service-level-agreement"),
         "Send me the template, please.", owner="ida", steps=("reply",)),
    Case(215, "Idris Bellamy", "idris@bellamyroofs.example", "services/handoff-workshop.md",
         "Can the workshop be held on a Saturday? My crew is on roofs all week.", owner="tobias",
         steps=("reply", "qualified"), budget="middle"),
    Case(245, "Juno Castellan", "juno@castellanoptics.example", "guide.md", "For a class I teach.", form="guide",
         owner="marit", steps=("reply",)),
    Case(280, "Leopold Arendt", "leopold@arendtclocks.example", a("reading-a-pipeline"),
         "How old may a deal become before one buries it?", owner="ida", steps=("contacted",)),
    Case(330, "Noor van Hamel", "noor@vanhamel.example", a("which-article-won"),
         "We use three tools that disagree. Which one lies?", owner="tobias", steps=("reply", "qualified")),
    Case(390, "Quentin Marsh", "quentin@marshsalvage.example", a("one-person-both-jobs"),
         "Thank you for the piece on doing both. No question, only thanks.", owner="marit", steps=("contacted",)),
)  # fmt: skip


def submission_of(case: Case, at: datetime, number: int) -> Submission:
    """What the endpoint would have made of it."""
    form = CONTACT if case.form == "contact" else GUIDE
    given = {name: getattr(case, name) for name in ("name", "email", "phone", "website", "budget", "message")}
    values: dict[str, Any] = {name: text for name, text in given.items() if text and form.field(name)}
    values["news"] = case.news
    key = hashlib.blake2b(f"{number} {case.name}".encode(), digest_size=16).hexdigest()
    return Submission(
        id=key,
        receipt=key[::-1],
        follow_up_receipt=hashlib.blake2b(key.encode(), digest_size=16).hexdigest(),
        form=form.name,
        lang="en",
        rules=form.rules,
        words=form.words,
        received_at=at,
        instance=key,
        content=key,
        page=case.page,
        page_title=next(page.title for page in PAGES if page.id == case.page),
        referrer=case.referrer,
        network="192.0.2.0/24",
        values=values,
        labels=tuple((one.name, one.label) for one in form.fields),
        consents=(Consent("news", NEWS, case.news),),
        name=case.name,
        email=case.email,
        phone=case.phone,
        verdict=Verdict(case.held),
    )


def take_steps(connection: sa.Connection, house: House, id: str, case: Case, at: datetime) -> None:
    """What the three did with it, an hour or a day apart."""
    actor = case.owner or "ida"
    if case.owner:
        inquiries.assign(connection, id, case.owner, actor=actor, now=at + timedelta(minutes=25))
    for number, step in enumerate(case.steps, 1):
        then = at + timedelta(hours=min(number * 17 - 16, case.hours - 0.1))
        what, _, rest = step.partition(" ")
        if what == "reply":
            text = f"Hello {case.name or 'there'},\n\nthank you for writing. Could you call on Thursday?\n\n{actor}"
            subject = "Re: Talk to us"
            inquiries.add_message(connection, id, case.email, subject, text, actor=actor, now=then, token=house.token)
            continue
        more: dict[str, Any] = {}
        if what == "won":
            more = {"value": int(float(rest) * 100), "currency": "USD"}
        elif what == "lost":
            more = {"reason": rest}
        inquiries.set_stage(connection, id, what, actor=actor, now=then, **more)


def fill(house: House, now: datetime = NOW) -> dict[str, str]:
    """All of it into an empty database. Name -> id of the inquiry."""
    ids: dict[str, str] = {}
    for number, case in enumerate(sorted(CASES, key=lambda one: -one.hours)):
        at = now - timedelta(hours=case.hours)
        notification = Outgoing("mail", "notify", "sales@nicholswd.example", {})
        with house.database.write() as connection:
            saved = save(connection, submission_of(case, at, number), [notification], house.token)
            ids[case.name] = saved.inquiry
            if not case.held:
                take_steps(connection, house, saved.inquiry, case, at)
    _more(house, ids, now)
    return ids


def _more(house: House, ids: dict[str, str], now: datetime) -> None:
    """Notes, somebody who wrote twice, a field that the form does not know, and what happened to the mail."""
    marisol = next(case for case in CASES if case.name == "Marisol Brandt")
    first = submission_of(marisol, now - timedelta(hours=74), len(CASES))
    number = sorted(CASES, key=lambda one: -one.hours).index(marisol)
    again = submission_of(marisol, now - timedelta(hours=73.6), number)
    message = "Six people, sorry, it is eight. And the cellar has room for twelve."
    again = replace(
        again,
        id=first.id,
        content=first.id,
        values={**again.values, "message": message},
        extra={"wholesale_region": ("Hudson Valley", "Capital District"), "ref": ("autumn-letter",)},
    )
    with house.database.write() as connection:
        save(connection, again, [], house.token)
        earlier = replace(marisol, hours=900, message="Do you have a talk on seasonal businesses?", page="contact.md")
        sent = submission_of(earlier, now - timedelta(hours=900), 900)
        old = save(connection, sent, [], house.token).inquiry
        inquiries.set_stage(connection, old, "lost", reason="timing", actor="marit", now=now - timedelta(hours=800))
        inquiries.add_note(
            connection,
            ids["Marisol Brandt"],
            "Called the cellar, she is at the press until Tuesday. Wants dates in February, not a price first.",
            actor="tobias",
            now=now - timedelta(hours=50),
            token=house.token,
        )
        inquiries.add_note(
            connection,
            ids["Ruth Abernathy"],
            "Two partners come along. Ask for the room.",
            actor="ida",
            now=now - timedelta(hours=20),
            token=house.token,
        )
        # Answered above, and never sent: the mail of these demonstrations goes out here, all but a few.
        for delivery in outbox.claim(connection, "demo", now, 500, timedelta(minutes=5)):
            if delivery.inquiry == ids["Abel Ferreira"]:
                outbox.dead(connection, delivery.id, "550 5.1.1 no such mailbox", now - timedelta(hours=40))
            elif delivery.inquiry in (ids["Wanda Achterberg"], ids["Jonah Pell"]):
                error = "451 4.7.1 try again later"
                outbox.failed(connection, delivery.id, error, now + timedelta(minutes=4), now)
            else:
                outbox.sent(connection, delivery.id, now - timedelta(minutes=3))


def demo_house(
    folder: Path,
    url: str = "",
    *,
    filled: bool = True,
    now: datetime = NOW,
    address: str = "http://localhost",
    first: int = 1,
) -> House:
    """A house as this consultancy has it. Close it: `house.database.close()`. Its ids count from `first`."""
    release = write_release(folder / "release", forms=(CONTACT, GUIDE), pages=PAGES, settings=SETTINGS)
    given = Setup(folder / "var", address, Secrets(key=KEY, database=url), release)
    house = open_house(given, Clock(now), Tokens(itertools.count(first)))
    with house.ready().write() as connection:
        for key, (email, name) in PEOPLE.items():
            if person(connection, key) is None:
                add_person(connection, key, email, name, "", now - timedelta(days=90))
    if filled:
        fill(house, now)
    return house
