"""ACCESS: a password or a one-time link -> a session, and everything under `/inbox/` kept to those who have one."""

from capture.access.pages import blueprint

__all__ = ["blueprint"]
