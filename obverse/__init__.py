"""Obverse: a static content site generator with lead capture.

The engine turns a folder of Markdown (`content/`) and Jinja templates (`templates/`) into a static site (`site/`).
"""

__version__ = "0.1.0"
