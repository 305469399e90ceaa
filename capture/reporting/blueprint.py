"""The blueprint that `api` and `bar` hang their addresses on."""

from __future__ import annotations

from flask import Blueprint, current_app

from capture.house import House

blueprint = Blueprint("reporting", __name__)


def house() -> House:
    """The house of this request."""
    found: House = current_app.extensions["obverse"]
    return found
