"""THE INBOX: inquiries -> the pages that sales works on. Every screen is whole without a script; one makes it quicker.

`listing` and `sheets` make what the templates show of stored rows; `pages` shows, `actions` changes, `exports` hands
out, `live` tells what has come in since.
"""

from capture.inbox import actions, exports, live, pages
from capture.inbox.blueprint import blueprint

__all__ = ["actions", "blueprint", "exports", "live", "pages"]
