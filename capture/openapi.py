"""`GET /api/openapi.json`: what programs may ask of this house, as OpenAPI 3.1, made from the forms as they are now.

https://spec.openapis.org/oas/v3.1.1. Who may know it may know all of it: it holds what the forms' pages show.
"""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, current_app

from capture.house import House
from capture.links import AT_CONFIRMING, AT_WITHDRAWING, confirming, withdrawing
from capture.posting import JSON, LONGEST, MULTIPART, PROBLEM, URLENCODED
from capture.proof import ALGORITHM
from capture.release import Release
from obverse.forms.form import RESERVED, Form, FormField
from obverse.forms.json_schema import form_schema
from obverse.forms.kinds import labels, spoken_size

blueprint = Blueprint("openapi", __name__)

VERSION = "3.1.1"

# What every form takes besides its fields.
_OWN = {
    "version": "Which version of the form was seen, as its page says it; the newest when it is missing.",
    "instance": "A random key of 16 to 64 letters and digits: what is sent again under it is the same submission.",
    "page": "The id of the page the form stood in.",
    "challenge": "The `token` of a challenge, where one was asked for or is expected to be.",
    "proof": "The number from 0 to its `maxnumber` for which SHA-256 of `SALT.NUMBER` is its `challenge`.",
}

_REFUSALS = {
    400: "The body is not what its type says, or holds what no text can.",
    403: "A page of another site sent it.",
    413: f"The body is longer than {LONGEST} bytes without its files, or has too many fields; or files find no room.",
    415: "Bodies of this type, or files, are not taken.",
    422: "Some answers have to be mended; `errors` says which.",
    428: "Very many are arriving: send it again with the number that `challenge` asks for, or wait some seconds.",
    429: "Too many came from this network; `Retry-After` says when to try again.",
    503: "It cannot be stored now; `Retry-After` says when to try again.",
}

_ID = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
_TEXT = {"type": "string"}
_MOMENT = {"type": "string", "format": "date-time"}

_SCHEMAS: dict[str, Any] = {
    "Stored": {
        "type": "object",
        "required": ["id", "receipt", "message", "next"],
        "properties": {
            "id": _ID,
            "receipt": _ID,
            "message": {"type": "string", "description": "The thank-you message as plain text."},
            "next": {"type": "string", "format": "uri-reference", "description": "The thank-you page."},
        },
    },
    "Problem": {
        "type": "object",
        "description": "Problem details after RFC 9457.",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": {"const": "about:blank"},
            "title": _TEXT,
            "status": {"type": "integer"},
            "code": {"type": "string", "description": "Which refusal it is, for programs."},
            "detail": _TEXT,
            "retryable": {"type": "boolean", "description": "Whether the same post may be taken later."},
            "challenge": {"$ref": "#/components/schemas/Challenge"},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["field", "code", "message"],
                    "properties": {"field": _TEXT, "code": _TEXT, "message": _TEXT},
                },
            },
        },
    },
    "Challenge": {
        "type": "object",
        "description": "A proof of work after ALTCHA: the number for which SHA-256 of `SALT.NUMBER` is `challenge`.",
        "required": ["algorithm", "salt", "challenge", "maxnumber", "token", "expires"],
        "properties": {
            "algorithm": {"const": ALGORITHM},
            "salt": _TEXT,
            "challenge": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "maxnumber": {"type": "integer"},
            "token": {"type": "string", "description": "Sent back as `_ob_challenge`; counts for one submission."},
            "expires": {"type": "integer", "description": "Seconds since 1970."},
        },
    },
    "Consent": {
        "type": "object",
        "description": "What somebody was asked to confirm by mail, and how it stands.",
        "required": ["state", "text", "lang", "asked_at", "confirmed_at", "withdrawn_at"],
        "properties": {
            "state": {"enum": ["asked", "confirmed", "withdrawn"]},
            "text": {"type": "string", "description": "The sentence as it was shown."},
            "lang": _TEXT,
            "asked_at": _MOMENT,
            **{name: {"anyOf": [_MOMENT, {"type": "null"}]} for name in ("confirmed_at", "withdrawn_at")},
        },
    },
    "Health": {
        "type": "object",
        "required": ["database", "spool", "delivery"],
        "properties": {
            **{name: {"enum": ["ok", "unavailable"]} for name in ("database", "spool")},
            "delivery": {"enum": ["ok", "failing", "unavailable"]},
        },
    },
}


@blueprint.get("/api/openapi.json")
def openapi() -> Response:
    """What programs may ask here, as OpenAPI 3.1: the forms with their fields, receipts, health, the report."""
    house: House = current_app.extensions["obverse"]
    text = json.dumps(document(house.releases.current(), house.setup.address), ensure_ascii=False)
    return Response(text, headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}, mimetype=JSON)


def document(release: Release, address: str) -> dict[str, Any]:
    """The OpenAPI document of a release that is reached at that address."""
    own = release.settings.language
    forms = {name: form for (name, lang), form in sorted(release.forms.items()) if lang == own}
    return {
        "openapi": VERSION,
        "info": {"title": release.settings.title or "Obverse", "version": "1"},
        "servers": [{"url": address or "/"}],
        "paths": {
            **{f"/_ob/f/{name}": {"post": _sending(form)} for name, form in forms.items()},
            "/_ob/t/{receipt}": {"get": _THANKS},
            "/_ob/challenge": {"get": _CHALLENGE},
            confirming("", "{token}"): _consent("confirm"),
            withdrawing("", "{token}"): _consent("withdraw"),
            "/healthz": {"get": _HEALTH},
            "/api/v1/report": {"get": _REPORT},
        },
        "components": {
            "schemas": {**_SCHEMAS, **{_schema_name(name): _body(form) for name, form in forms.items()}},
            "securitySchemes": {"report": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schema_name(form: str) -> str:
    return f"form.{form}"


def _body(form: Form) -> dict[str, Any]:
    schema = form_schema(form)
    own = {RESERVED + name: {"type": "string", "description": told} for name, told in _OWN.items()}
    return schema | {"properties": {**schema["properties"], **own}}


def _with_files(form: Form, shape: dict[str, Any]) -> dict[str, Any]:
    """What a body may be in each type it may have: files come in one of them only."""
    files = {one.name: _files(one) for one in form.files}
    if not files:
        return dict.fromkeys((JSON, URLENCODED, MULTIPART), shape)
    required = [one.name for one in form.files if one.required]
    more = {"type": "object", "properties": files, **({"required": required} if required else {})}
    whole = {"schema": {"allOf": [shape["schema"], more]}}
    return {MULTIPART: whole} if required else {JSON: shape, URLENCODED: shape, MULTIPART: whole}


def _files(one: FormField) -> dict[str, Any]:
    told = f"{labels(one.accept)}; {spoken_size(one.max_size)} at most each."
    item = {"type": "string", "contentMediaType": "application/octet-stream"}
    least = {"minItems": 1} if one.required else {}
    return {"type": "array", "items": item, **least, "maxItems": one.max_files, "title": one.label, "description": told}


def _sending(form: Form) -> dict[str, Any]:
    shape = {"schema": {"$ref": f"#/components/schemas/{_schema_name(form.name)}"}}
    refused = {str(status): _answer(told, PROBLEM, "Problem") for status, told in _REFUSALS.items()}
    for status in ("429", "503"):
        refused[status]["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return {
        "operationId": f"send_{form.name}",
        "summary": form.title,
        "requestBody": {"required": True, "content": _with_files(form, shape)},
        "responses": {
            "201": _answer("It is stored.", JSON, "Stored"),
            "200": _answer("It had been stored before; asked for as a page, a proof of work is.", JSON, "Stored"),
            "303": {"description": "It is stored; asked for as a page, `Location` is the thank-you page."},
            **refused,
        },
    }


def _answer(told: str, media: str, schema: str) -> dict[str, Any]:
    content = {media: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    # Who does not ask for JSON gets the same as a page.
    return {"description": told, "content": content | {"text/html": {"schema": _TEXT}}}


_CONSENT_REFUSALS = {
    "404": "No consent has that token.",
    "410": "Nobody confirmed it in time.",
    "503": "The database is away.",
}
_CONSENT_POST_REFUSALS = {
    "400": "The body does not say what to do.",
    "403": "A page of another site sent it.",
    "413": "The body is too long.",
    "429": "Very many came from this network; `Retry-After` says when to try again.",
}
_CONSENT_DOES = {"confirm": AT_CONFIRMING, "withdraw": AT_WITHDRAWING}
_CONSENT_ACTS = {
    "confirm": "Confirm it with `do=confirm`, or withdraw it with `do=withdraw`.",
    "withdraw": "Withdraw it with `List-Unsubscribe=One-Click` (RFC 8058), or with `do=withdraw`.",
}


def _consent(act: str) -> dict[str, Any]:
    """A link of a consent: to look changes nothing, to post does."""
    refused = {status: _answer(told, PROBLEM, "Problem") for status, told in _CONSENT_REFUSALS.items()}
    more = {status: _answer(told, PROBLEM, "Problem") for status, told in _CONSENT_POST_REFUSALS.items()}
    fields: dict[str, Any] = {"do": {"enum": list(_CONSENT_DOES[act])}}
    if act == "withdraw":
        fields["List-Unsubscribe"] = {"const": "One-Click"}
    body = {"schema": {"type": "object", "properties": fields}}
    shown = {"200": _answer("How it stands.", JSON, "Consent"), **refused}
    return {
        "parameters": [{"name": "token", "in": "path", "required": True, "schema": _ID}],
        "get": {"operationId": f"see_{act}", "summary": "How a consent stands; nothing changes.", "responses": shown},
        "post": {
            "operationId": act,
            "summary": _CONSENT_ACTS[act],
            "requestBody": {"required": True, "content": {URLENCODED: body, MULTIPART: body}},
            "responses": {**shown, "303": {"description": "Asked for as a page, `Location` shows it."}, **more},
        },
    }


_THANKS: dict[str, Any] = {
    "operationId": "thanks",
    "summary": "The thank-you page of a receipt.",
    "parameters": [{"name": "receipt", "in": "path", "required": True, "schema": _ID}],
    "responses": {
        status: {"description": told, "content": {"text/html": {"schema": _TEXT}}}
        for status, told in (("200", "The page."), ("404", "No such receipt was given."))
    },
}
_CHALLENGE: dict[str, Any] = {
    "operationId": "challenge",
    "summary": "A proof of work that lets one post to a form come when very many do.",
    "parameters": [{"name": "form", "in": "query", "required": True, "schema": _TEXT}],
    "responses": {
        "200": {"description": "It.", "content": {JSON: {"schema": {"$ref": "#/components/schemas/Challenge"}}}},
        **{
            status: _answer(told, PROBLEM, "Problem")
            for status, told in (("404", "There is no such form."), ("503", "The site has no key."))
        },
    },
}
_HEALTH: dict[str, Any] = {
    "operationId": "health",
    "summary": "Whether what visitors send can be stored.",
    "responses": {
        status: {"description": told, "content": {JSON: {"schema": {"$ref": "#/components/schemas/Health"}}}}
        for status, told in (("200", "It can."), ("503", "The database or the spool is away."))
    },
}
_REPORT: dict[str, Any] = {
    "operationId": "report",
    "summary": "What each article brought: sums only, no person.",
    "security": [{"report": []}],
    "responses": {
        "200": {"description": "The report.", "content": {JSON: {"schema": {"type": "object"}}}},
        **{
            status: {"description": told, "content": {PROBLEM: {"schema": {"type": "object"}}}}
            for status, told in (
                ("401", "It needs the token of the report."),
                ("404", "No report is offered here."),
                ("503", "The database is away."),
            )
        },
    },
}
