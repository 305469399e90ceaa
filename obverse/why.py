"""Why: an address -> why its output was last written, or why the next build would write it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from obverse import ledger_file as ledgers
from obverse.addresses import output_path
from obverse.build import BuildOptions, build
from obverse.config import load
from obverse.problems import as_text, errors, nearest
from obverse.sources import SETTINGS


def why(options: BuildOptions, url: str) -> tuple[str, int]:
    """What to tell about the output at `url` (an address, or a path under the output folder), and the exit code."""
    ledger = ledgers.load(options.ledger_file)
    if not ledger.outputs:
        return f"{options.folder.name} has not been built yet", 1
    report = build(replace(options, dry=True))
    if report.blocked:
        return as_text(errors(report.problems)), 1
    output = _output(url, base_path(options.root), {*ledger.stamps, *report.because})
    if output is None:
        hint = nearest(url, ["/" + path.removesuffix("index.html") for path in ledger.stamps])
        return f"no output answers for {url}" + (f"; {hint}" if hint else ""), 1
    if output in report.removed:
        return f"{output} would be removed: nothing asks for it any more", 0
    if output in report.because:
        return f"{output} would be written: {report.because[output]}", 0
    return f"{output} is up to date; it was last written because {ledger.outputs.records[output].because}", 0


def base_path(root: Path) -> str:
    """The path that every address of the site at `root` begins with, by its settings."""
    config, _ = load((root / SETTINGS).read_text(encoding="utf-8", errors="replace"))
    return config.base_path


def _output(url: str, base: str, outputs: set[str]) -> str | None:
    path = urlsplit(url).path
    if base and f"{path}/".startswith(f"{base}/"):
        path = path.removeprefix(base)
    candidates = (path.lstrip("/"), output_path("/" + path.lstrip("/")), output_path("/" + path.strip("/") + "/"))
    return next((one for one in candidates if one in outputs), None)
