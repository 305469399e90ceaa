"""REPORTING: events -> what each article brought, for the terminal, other programs, and the writer at the desk."""

from capture.reporting import api, bar
from capture.reporting.blueprint import blueprint
from capture.reporting.rows import ReportRow, rows

__all__ = ["ReportRow", "api", "bar", "blueprint", "rows"]
