"""How close to GitHub's Markdown we are, and how long it takes, on files of one's own.

    python -m benchmarks.markdown FOLDER …

reads every Markdown file below the folders and prints how many have the structure (tags, attributes, text) that
GitHub's own engine gives them, and the median time of a file. It needs the test tools.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from obverse.frontmatter import split
from obverse.markup import MarkupOptions, render
from tests.engine.structure import github, structure

OPTIONS = MarkupOptions()


def bodies(folders: list[str]) -> Iterator[str]:
    """The bodies of all Markdown files below some folders, in order; files that cannot be read are left out."""
    for folder in folders:
        for path in sorted(Path(folder).rglob("*.md")):
            try:
                text = path.read_text("utf-8-sig")
            except (OSError, UnicodeDecodeError):
                continue
            front = split(text, path.name)
            if not front.problems:
                yield front.body


def main(folders: list[str]) -> int:
    """Print the measurement; exit code 2 without a folder."""
    if not folders:
        print(__doc__)
        return 2
    equal, times = 0, []
    for body in bodies(folders):
        began = time.perf_counter()
        html = render(body, OPTIONS)
        times.append(time.perf_counter() - began)
        equal += structure(html) == structure(github(body))
    if not times:
        print("no Markdown files")
        return 1
    share, middle = 100 * equal / len(times), 1000 * statistics.median(times)
    print(f"{len(times)} files, {share:.1f} % with GitHub's structure, median {middle:.1f} ms a file")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
