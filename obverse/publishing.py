"""Files published as they are: which these are, at which hrefs, and which are kept back with the page beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from obverse.addresses import beneath, encoded, folder_of
from obverse.config import Config
from obverse.names import CONTENT, is_markdown
from obverse.site import File, Surveyed
from obverse.sources import Source, Sources

# Top folders whose files are read, never published.
PRIVATE = ("forms", "authors", "_data")


def files_of(
    sources: Iterable[Source], homes: Mapping[str, str | None], config: Config
) -> tuple[dict[str, str], frozenset[str]]:
    """The hrefs of the files published as they are, by content path, and those kept back.

    Those of a bundle go where its page goes, and stay at home when it does: `homes` has the site-local URL of each
    bundle's page by folder, None when the page is not out.
    """
    files, kept_back = {}, set()
    for source in sources:
        path = source.path.removeprefix("content/")
        if not is_published(path):
            continue
        folder = _bundle_around(path, homes) if homes else None
        if folder is None:
            url = encoded("/" + path)
        elif home := homes[folder]:
            url = beneath(home) + encoded(path[len(folder) + 1 :])
        else:
            kept_back.add(path)
            continue
        files[path] = config.base_path + url
    return files, frozenset(kept_back)


def bundles_of(pages: Mapping[str, Surveyed], config: Config) -> dict[str, Surveyed]:
    """The page of each bundle by its folder: the one in the site's own language, if there are several."""
    own = config.site.language
    found = [one for one in pages.values() if one.glance.name.endswith("/index")]
    return {folder_of(one.path): one for one in sorted(found, key=lambda one: one.glance.lang == own)}


def is_published(path: str) -> bool:
    """Whether a content file that is no page is published as it is, if the page it lies beside is out."""
    return not is_markdown(path) and not private(path)


def private(path: str) -> bool:
    """Whether a content file is never published: in a folder for forms, authors or data, or marked with "_" or "~"."""
    parts = path.split("/")
    return parts[0] in PRIVATE or any(part.startswith(("_", ".")) or part.endswith("~") for part in parts)


def _bundle_around(path: str, bundles: Mapping[str, object]) -> str | None:
    folder = folder_of(path)
    while folder:
        if folder in bundles:
            return folder
        folder = folder_of(folder)
    return None


def published(files: Mapping[str, str], sources: Sources) -> dict[str, File]:
    """The files at these hrefs."""
    found = {}
    for path, url in files.items():
        source = sources.files[CONTENT + path]
        found[path] = File(path, url, source.digest, source.file)
    return found
