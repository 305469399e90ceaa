"""All five hooks, each changing something that can be seen in the expected output."""

import dataclasses
from xml.etree.ElementTree import Element

from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor


class _Heart(InlineProcessor):
    def handleMatch(self, m, data):  # noqa: N802 - the library's name
        element = Element("span", {"class": "heart"})
        element.text = "\u2665"
        return element, m.start(0), m.end(0)


class _Hearts(Extension):
    def extendMarkdown(self, md):  # noqa: N802 - the library's name
        md.inlinePatterns.register(_Heart(r"<3", md), "heart", 200)


def markdown_extensions(extensions):
    return (*extensions, _Hearts())


def jinja(environment):
    environment.filters["shout"] = str.upper
    return environment


def page(page):
    if page.name != "about":
        return page
    return dataclasses.replace(page, matter=dataclasses.replace(page.matter, description="Described by a hook."))


def jobs(jobs):
    return {output: job for output, job in jobs.items() if output != "hidden-by-hook/index.html"}


def html(url, html):
    return html.replace("</body>", f"<!-- {url} -->\n</body>")
