"""OpenAPI: the endpoint says of itself what is true, and what its document allows it takes or refuses as it says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from capture.app import create_app
from capture.house import House
from capture.openapi import document
from capture.store.tables import submissions
from obverse.forms.form import Form, FormField
from obverse.forms.json_schema import form_schema
from tests.capture.cases.visits import ANSWERS, FORM, stored
from tests.capture.house import CONTACT, SETTINGS, a_house, no_sync
from tests.capture.proving import TIGHT, crowd

__all__ = ["no_sync"]
pytestmark = pytest.mark.usefixtures("no_sync")

AS_JSON = {"Accept": "application/json"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    # What comes past a limit is another test's: these send as many as they like.
    with a_house(tmp_path_factory.mktemp("openapi"), settings=replace(SETTINGS, rate=0)) as one:
        yield one


def told(house: House) -> dict[str, Any]:
    return document(house.releases.current(), house.setup.address)


def agrees(value: Any, schema: dict[str, Any], whole: dict[str, Any], place: str = "body") -> None:
    """Whether a value is what the part of JSON Schema that our answers use says of it."""
    if "$ref" in schema:
        schema = whole["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
    if "type" in schema:
        assert isinstance(value, kinds[schema["type"]]), (place, value)
    if "const" in schema:
        assert value == schema["const"], place
    if "enum" in schema:
        assert value in schema["enum"], place
    if "pattern" in schema:
        assert re.search(schema["pattern"], value), (place, value)
    assert set(schema.get("required", ())) <= (value.keys() if isinstance(value, dict) else set()), (place, value)
    for name in value if isinstance(value, dict) else ():
        agrees(value[name], schema.get("properties", {}).get(name, {}), whole, f"{place}.{name}")
    for one in value if isinstance(value, list) else ():
        agrees(one, schema.get("items", {}), whole, f"{place}[]")


def as_declared(answer: TestResponse, operation: dict[str, Any], whole: dict[str, Any]) -> None:
    """Whether an answer is one that the document speaks of, of a type and a shape that it names."""
    responses = operation["responses"]
    assert str(answer.status_code) in responses, (answer.status_code, answer.text[:300])
    content = responses[str(answer.status_code)].get("content", {})
    if not content:
        return
    assert answer.mimetype in content
    if answer.is_json:
        agrees(json.loads(answer.data), content[answer.mimetype]["schema"], whole)


def test_it_is_served_and_holds_each_form(house: House) -> None:
    answer = create_app(house).test_client().get("/api/openapi.json")
    assert answer.mimetype == "application/json"
    assert answer.json == told(house)
    assert {"/_ob/f/contact", "/_ob/f/guide"} <= answer.json["paths"].keys()
    assert answer.json["components"]["schemas"]["form.contact"]["required"] == ["name", "email", "message"]


def test_every_address_for_programs_is_in_it(house: House) -> None:
    rules = {rule.rule for rule in create_app(house).url_map.iter_rules()}
    public = {rule for rule in rules if rule.startswith(("/_ob/", "/api/", "/healthz"))}
    named = {re.sub(r"<\w+>", "{}", rule) for rule in public - {"/api/openapi.json"}}
    paths = {re.sub(r"\{\w+\}", "{}", path) for path in told(house)["paths"]}
    shown = {re.sub(r"/_ob/f/\w+", "/_ob/f/{}", path) for path in paths}
    assert {one for one in named if "bar" not in one} == shown


@pytest.mark.parametrize(
    "path", ["/_ob/t/" + "0" * 32, "/_ob/challenge", "/api/v1/report", "/healthz", "/_ob/f/contact"]
)
def test_a_wrong_method_is_told_the_right_ones(house: House, path: str) -> None:
    answer = create_app(house).test_client().open(path, method="TRACE")
    assert answer.status_code == 405
    wanted = {"POST", "OPTIONS"} if "/f/" in path else {"GET", "HEAD"}
    assert wanted <= set(answer.headers["Allow"].replace(" ", "").split(","))


@pytest.mark.parametrize(
    "path", ["/healthz", "/api/v1/report", "/api/openapi.json", "/api/none", "/_ob/t/0", "/inbox/login"]
)
def test_no_answer_is_without_what_keeps_a_browser_safe(house: House, path: str) -> None:
    client = create_app(house).test_client()
    for method in ("GET", "POST", "TRACE"):
        headers = client.open(path, method=method).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"]


def test_it_tells_nothing_that_the_pages_do_not_show(house: House) -> None:
    text = json.dumps(told(house))
    assert "sales@house.test" not in text
    assert "team@house.test" not in text
    assert "trap" not in text


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (json.dumps(ANSWERS), {"Content-Type": "application/json"}, 201),
        (json.dumps({"name": ""}), {"Content-Type": "application/json"}, 422),
        ("{", {"Content-Type": "application/json"}, 400),
        ("x", {"Content-Type": "text/plain"}, 415),
        ("x=" + "y" * 300_000, {"Content-Type": "application/x-www-form-urlencoded"}, 413),
        (json.dumps(ANSWERS), {"Content-Type": "application/json", "Origin": "https://evil.test"}, 403),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_answers_are_as_it_says(house: House, body: str, headers: dict[str, str], status: int, accept: str) -> None:
    whole = told(house)
    answer = create_app(house).test_client().post(FORM, data=body, headers={**headers, "Accept": accept})
    assert answer.status_code in (status, {201: 303}.get(status), {201: 200}.get(status))
    as_declared(answer, whole["paths"][FORM]["post"], whole)


def test_a_proof_is_asked_for_as_it_says(tmp_path: Path) -> None:
    with a_house(tmp_path, settings=TIGHT) as house:
        whole, client = told(house), create_app(house).test_client()
        for form, status in (("contact", 200), ("none", 404), ("", 404)):
            answer = client.get(f"/_ob/challenge?form={form}", headers=AS_JSON)
            assert answer.status_code == status
            as_declared(answer, whole["paths"]["/_ob/challenge"]["get"], whole)
        crowd(client)
        for headers, status in ((AS_JSON, 428), ({}, 200)):
            answer = client.post(FORM, json=ANSWERS, headers=headers)
            assert answer.status_code == status
            as_declared(answer, whole["paths"][FORM]["post"], whole)
        assert {"_ob_challenge", "_ob_proof"} <= whole["components"]["schemas"]["form.contact"]["properties"].keys()


def test_health_and_receipts_are_as_it_says(house: House) -> None:
    whole, client = told(house), create_app(house).test_client()
    as_declared(client.get("/healthz"), whole["paths"]["/healthz"]["get"], whole)
    for receipt in ("0" * 32, client.post(FORM, data=ANSWERS).headers["Location"].rpartition("/")[2]):
        as_declared(client.get(f"/_ob/t/{receipt}"), whole["paths"]["/_ob/t/{receipt}"]["get"], whole)
    as_declared(client.get("/api/v1/report"), whole["paths"]["/api/v1/report"]["get"], whole)


# What the schema of a form allows, made up; and anything else beside it.

_PLAIN = st.text(st.characters(exclude_categories=["C"], exclude_characters="\u2028\u2029"), max_size=60)


def values_of(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a property's schema allows."""
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "boolean":
        return st.booleans()
    if schema["type"] == "array":
        return st.lists(values_of(schema["items"]), unique=True, max_size=schema.get("maxItems", 5))
    if schema.get("format") == "email":
        return st.emails().filter(lambda one: len(one) < 80 and "'" not in one)
    return _PLAIN.filter(lambda one: schema.get("minLength", 0) <= len(one.strip()))


def bodies(form: Form) -> st.SearchStrategy[dict[str, Any]]:
    schema = form_schema(form)
    properties = {name: values_of(one) for name, one in schema["properties"].items()}
    wanted = set(schema.get("required", ()))
    return st.fixed_dictionaries(
        {name: one for name, one in properties.items() if name in wanted},
        optional={name: one for name, one in properties.items() if name not in wanted},
    )


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


def _runs(many: int) -> Any:
    return settings(max_examples=many, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_runs(25)
@given(body=bodies(CONTACT))
def test_what_the_schema_allows_is_taken(house: House, body: dict[str, Any]) -> None:
    whole = told(house)
    answer = create_app(house).test_client().post(FORM, json=body, headers=AS_JSON)
    assert answer.status_code in (200, 201), (body, answer.text)
    as_declared(answer, whole["paths"][FORM]["post"], whole)


@_runs(25)
@given(body=st.dictionaries(st.sampled_from([*ANSWERS, "news", "x", "_ob_instance"]) | st.text(max_size=8), _JSON))
def test_what_it_does_not_allow_is_answered_as_it_says(house: House, body: dict[str, Any]) -> None:
    whole = told(house)
    answer = create_app(house).test_client().post(FORM, json=body, headers=AS_JSON)
    as_declared(answer, whole["paths"][FORM]["post"], whole)


@pytest.mark.long
def test_a_great_many_bodies_find_nothing(tmp_path: Path) -> None:
    with a_house(tmp_path, settings=replace(SETTINGS, rate=0)) as house:
        whole, client = told(house), create_app(house).test_client()

        @_runs(5000)
        @given(body=bodies(CONTACT) | st.dictionaries(st.text(max_size=12), _JSON) | _JSON)
        def sent(body: Any) -> None:
            as_declared(client.post(FORM, json=body, headers=AS_JSON), whole["paths"][FORM]["post"], whole)

        sent()
        assert stored(house, submissions.c.id)


ALL = Form(
    "all",
    "en",
    "All",
    "Send",
    (
        FormField("line", required=True, min=2, max=9, pattern="[a-z]+", help="Small letters."),
        FormField("page", type="url", label="Page"),
        FormField("count", type="number", whole=True, min=1, max=5),
        FormField("one", type="choice", options={"a": "A", "b": "B"}),
        FormField("must", type="choice", required=True, options={"a": "A"}),
        FormField("some", type="choices", options={"a": "A", "b": "B"}, required=True, max=1),
        FormField("sure", type="boolean", required=True),
        FormField("part", type="heading", label="A part"),
    ),
)


def test_each_type_has_its_schema() -> None:
    assert form_schema(ALL) == {
        "type": "object",
        "title": "All",
        "properties": {
            "line": {
                "type": "string",
                "minLength": 2,
                "maxLength": 9,
                "pattern": "^(?:[a-z]+)$",
                "description": "Small letters.",
            },
            "page": {"type": "string", "maxLength": 2000, "title": "Page"},
            "count": {"type": "integer", "minimum": 1, "maximum": 5},
            "one": {"enum": ["a", "b", ""]},
            "must": {"enum": ["a"]},
            "some": {
                "type": "array",
                "items": {"enum": ["a", "b"]},
                "uniqueItems": True,
                "minItems": 1,
                "maxItems": 1,
            },
            "sure": {"const": True},
        },
        "additionalProperties": {
            "type": ["string", "number", "boolean", "array", "null"],
            "items": {"type": ["string", "number", "boolean"]},
        },
        "required": ["line", "must", "some", "sure"],
    }
