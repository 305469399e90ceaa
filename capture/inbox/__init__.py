"""THE INBOX: inquiries -> the pages that sales works on. Every screen is whole without a script; one makes it quicker.

`listing` and `sheets` make what the templates show of stored rows; `pages` shows, `actions` changes, `exports` hands
out, `downloads` gives the files that came, `live` tells what has come in since; `audit` shows who did what.
"""

from capture.inbox import actions, audit, downloads, exports, live, pages
from capture.inbox.blueprint import blueprint

__all__ = ["actions", "audit", "blueprint", "downloads", "exports", "live", "pages"]
