"""Everything that attackers type, stored, and then looked at in Chromium: nothing of it runs.

Each of the two walls is tested as if the other were not there: what pages hold without any policy, and what the policy
lets run if a page held it.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from capture.store import inquiries
from capture.store.inquiries import Query
from tests.browser.kinds import watched
from tests.capture.hostile import ENDPOINT, MARKUP, Siege, let_in, siege
from tests.capture.inbox_room import served

pytestmark = pytest.mark.browser

# Each piece of markup alone is a matter of the application's tests; here are the first ones, and all at once.
ALL = "\n".join(MARKUP)

# What payloads call. Also for frames, and before any script of the page.
TRAP = """
window.ran = [];
for (const name of ["owned", "alert", "confirm", "prompt"]) {
  Object.defineProperty(window, name, {value: (...given) => { window.ran.push([name, ...given].join(" ")); }});
}
"""
# Elements and attributes that none of our pages has, as the browser itself read them.
ODD = """() => [...document.querySelectorAll("*")].flatMap((one) => [
  ...(/^(owned|iframe|object|embed|base|style)/.test(one.localName) ? [one.outerHTML.slice(0, 99)] : []),
  ...[...one.attributes].filter(({name, value}) => /^(on|style$|srcdoc$)/.test(name)
    || /^(href|src|action|formaction)$/.test(name) && !/^(https?|mailto|tel):$/.test(new URL(value, location).protocol)
  ).map(({name, value}) => `${one.localName} ${name}=${value}`),
]).concat(document.querySelectorAll("main").length === 1 ? [] : ["more than one main"])"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    with siege(tmp_path_factory.mktemp("siege"), (*MARKUP[:8], ALL)) as one:
        let_in(one)
        yield one


@pytest.fixture(scope="module")
def address(house: Siege) -> Iterator[str]:
    with served(house.app) as one:
        yield one


def opened(browser: Browser, house: Siege, address: str, **given: Any) -> tuple[Page, Any]:
    """A page of somebody who is logged in, with the trap in it."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, **given)
    name = house.cookie["name"]
    context.add_cookies([{"name": name, "value": house.cookie["value"], "url": address}])
    page, watch = watched(context, address)
    page.add_init_script(TRAP)
    page.on("dialog", lambda dialog: (watch.complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    return page, watch


def paths(house: Siege) -> list[str]:
    """Every kind of page that shows what visitors wrote."""
    with house.house.database.read() as connection:
        (row,) = inquiries.listing(connection, Query(view="all", text="srcdoc formaction onload")).rows
    hostile = "%22%3E%3Cscript%3Eowned(1)%3C/script%3E%27%20onfocus=owned(2)%20autofocus%20x="
    return [
        f"/inbox/i/{row.id}",
        f"/inbox/?view=all&open={row.id}",
        f"/inbox/?q={hostile}&form={hostile}&page={hostile}&owner={hostile}",
        "/inbox/export?view=all",
        "/inbox/report",
        "/inbox/deliveries",
        "/_ob/mail/",
        f"/inbox/login?next={hostile}",
    ]


def visited(page: Page, watch: Any, address: str, found: list[str]) -> dict[str, Any]:
    """Path -> what ran, was refused or stands there that should not."""
    told: dict[str, Any] = {}
    for path in found:
        page.goto(address + path)
        told[path] = [*page.evaluate("[...ran, ...refused]"), *page.evaluate(ODD), *watch.told()]
    return {path: said for path, said in told.items() if said}


def test_no_page_of_the_inbox_runs_anything(browser: Browser, house: Siege, address: str) -> None:
    """With the policy: had any of it been markup, the policy would have something to refuse."""
    page, watch = opened(browser, house, address)
    assert visited(page, watch, address, paths(house)) == {}
    page.context.close()


def test_nor_does_any_without_the_policy(browser: Browser, house: Siege, address: str) -> None:
    page, watch = opened(browser, house, address, bypass_csp=True)
    assert visited(page, watch, address, paths(house)) == {}
    page.context.close()


def test_mails_and_posts_of_a_preview_run_nothing(browser: Browser, house: Siege, address: str) -> None:
    page, watch = opened(browser, house, address, bypass_csp=True)
    page.goto(f"{address}/_ob/mail/")
    places = page.locator("main tbody a").evaluate_all("(links) => links.map((one) => one.getAttribute('href'))")
    assert len(places) == 18
    assert visited(page, watch, address, places[:4]) == {}
    page.context.close()


def test_the_script_of_the_list_puts_text_where_text_was(browser: Browser, house: Siege, address: str) -> None:
    """It fetches pieces of pages and puts them into this one."""
    page, watch = opened(browser, house, address, bypass_csp=True)
    page.goto(f"{address}/inbox/?view=all")
    for row in page.locator(".row").all():
        row.locator("a.open").click()
        expect(page.locator(".pane article")).to_have_attribute("data-id", row.get_attribute("data-id") or "")
    assert page.evaluate("ran") == []
    assert page.evaluate(ODD) == []
    assert watch.told() == []
    page.context.close()


def test_the_pages_that_answer_a_visitor_run_nothing(browser: Browser, house: Siege, address: str) -> None:
    """A form sent by a browser, with each piece of markup in every field: shown again, and thanked for."""
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.add_init_script(TRAP)
    page.route("**/assets/**", lambda route: route.fulfill(body="", content_type="text/css"))
    page.goto(f"{address}/_ob/t/none")
    found: dict[str, Any] = {}
    for text in (*MARKUP[:2], ALL):
        for email in (text, "ann@example.org"):
            fields = {"name": text[:110], "email": email, "message": text, "campaign": text, text: text}
            with page.expect_navigation():
                page.evaluate(SEND, [ENDPOINT, fields])
            expect(page.locator("h1")).to_be_visible()
            found[f"{text} {page.title()}"] = [*page.evaluate("ran"), *page.evaluate(ODD)]
    assert {title: said for title, said in found.items() if said} == {}
    assert len({title.rpartition(" ")[2] for title in found}) > 1
    context.close()


SEND = """([action, fields]) => {
  const form = document.createElement("form");
  Object.assign(form, {method: "post", action});
  for (const [name, value] of Object.entries(fields)) {
    form.append(Object.assign(document.createElement("textarea"), {name, value}));
  }
  document.body.append(form);
  form.submit();
}"""


def test_the_bar_shows_text(browser: Browser, house: Siege, address: str) -> None:
    """The bar of a preview, in a page that says whatever it likes of itself."""
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.add_init_script(TRAP)
    html = "<!doctype html><title>x</title><main></main><script type=module src=/_ob/bar.js></script>"
    page.route("**/contact/**", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(f"{address}/contact/?<script>owned(1)</script>#<img src=x onerror=owned(2)>")
    expect(page.locator("obverse-bar .lines")).to_contain_text("inquir", ignore_case=True)
    assert page.evaluate("ran") == []
    context.close()


# Ways in which markup runs, put into a page as if escaping had failed.
BREAK = """async (wanted) => {
  const put = (name, values, attributes = {}) => {
    const one = Object.assign(document.createElement(name), values);
    for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
    document.body.append(one);
    return one;
  };
  put("script", {textContent: "owned('inline')"});
  put("script", {src: "data:text/javascript,owned('data')"});
  put("script", {src: "https://owned.test/x.js"});
  put("img", {}, {src: "x:", onerror: "owned('handler')"});
  put("button", {}, {onclick: "owned('click')"}).click();
  put("a", {href: "javascript:owned('address')"}).click();
  put("iframe", {srcdoc: "<script>parent.owned('frame')</" + "script>"});
  put("iframe", {src: "https://owned.test/"});
  put("form", {action: "https://owned.test/"}).submit();
  put("base", {href: "https://owned.test/"});
  put("object", {data: "data:text/html,<script>parent.owned('object')</" + "script>"});
  const missing = () => wanted.filter((one) => !refused.some((told) => told.startsWith(one)));
  for (let turn = 0; turn < 200 && missing().length; turn += 1) await new Promise((done) => setTimeout(done, 20));
  await new Promise((done) => setTimeout(done, 100));
  return missing();
}"""


@pytest.mark.parametrize("path", ["/inbox/?view=all", "/inbox/login", "/_ob/mail/"])
def test_the_policy_alone_would_stop_it(browser: Browser, house: Siege, address: str, path: str) -> None:
    page, _ = opened(browser, house, address)
    if path == "/inbox/login":
        page.context.clear_cookies()
    page.goto(address + path)
    assert page.evaluate(BREAK, ["script-src-elem", "script-src-attr", "form-action", "base-uri", "frame-src"]) == []
    assert page.evaluate("ran") == []
    assert page.url == address + path
    page.context.close()
