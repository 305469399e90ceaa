"""One page of every kind, and a watch over what a browser says of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

# Kind -> where one stands in the starter.
KINDS = {
    "home": "/",
    "article": "/articles/which-article-won/",
    "bundle": "/articles/marketing-vs-sales/",
    "list": "/articles/",
    "page": "/about/",
    "section": "/services/",
    "section page": "/services/handoff-workshop/",
    "glossary": "/articles/glossary/",
    "term": "/tags/leads/",
    "terms": "/tags/",
    "categories": "/categories/",
    "series": "/series/the-hand-off/",
    "author": "/authors/ida-nichols/",
    "authors": "/authors/",
    "404": "/404.html",
    "contact": "/contact/",
    "guide": "/guide/",
    "privacy": "/privacy/",
}
# These need the drafts: without them there are too few articles for a second page.
DRAFTED = {
    "front of a longer list": "/articles/",
    "archived list": "/articles/page/1/",
}
REDIRECT = "/glossary/"


@dataclass
class Watch:
    """All a browser complains about while its pages are open; `told` is emptied by whoever reads it."""

    hosts: set[str]
    complaints: list[str] = field(default_factory=list)

    def told(self) -> list[str]:
        heard, self.complaints = self.complaints, []
        return heard

    def over(self, page: Page) -> Watch:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))
        page.on("requestfailed", self._failed)
        page.on("request", self._request)
        page.on("response", self._response)
        return self

    def _console(self, message: ConsoleMessage) -> None:
        self.complaints.append(f"console: {message.text}")

    def _failed(self, request: Request) -> None:
        # Aborted is what the next page does to an icon that was still on its way.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"failed: {request.url} {request.failure}")

    def _request(self, request: Request) -> None:
        if urlsplit(request.url).netloc not in self.hosts:
            self.complaints.append(f"another host: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.status}: {response.url}")


# Runs before the page's own scripts, in each document: what the policy refuses, and what moves while loading.
RECORDS = """
window.refused = [];
window.shifts = [];
document.addEventListener("securitypolicyviolation", (event) => {
  refused.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    shifts.push([entry.value, ...entry.sources.map((source) => source.node?.parentElement?.outerHTML.slice(0, 120))]);
  }
}).observe({type: "layout-shift", buffered: true});
"""


def watched(context: BrowserContext, *addresses: str) -> tuple[Page, Watch]:
    """A new page of a context, and the watch over it; what it asks of hosts not named is a complaint."""
    page = context.new_page()
    page.add_init_script(RECORDS)
    return page, Watch({urlsplit(one).netloc for one in addresses}).over(page)


@contextmanager
def quiet_page(browser: Browser, address: str, *borne: str) -> Iterator[Page]:
    """A page that its browser must have nothing to complain of, but for what begins as one of those `borne`."""
    context = browser.new_context(reduced_motion="reduce")
    page, watch = watched(context, address)
    yield page
    told = [said for said in watch.told() if not said.startswith(borne)]
    context.close()
    assert told == []


def settle(page: Page) -> None:
    """Bring each picture near once, and wait until all have arrived and have been painted."""
    page.evaluate(
        """async () => {
          for (const image of document.images) image.loading = "eager";
          await Promise.all([...document.images].map((image) => image.complete
            || new Promise((done) => { image.onload = image.onerror = done; })));
          await document.fonts.ready;
          await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        }"""
    )
