"""Case 42: a payload in User-Agent, Referer, UTM, page, forwarded headers and the local part of an address."""

from pathlib import Path

from tests.capture.hostile import ENDPOINT, PHONE, faults, headers_of, siege

TEXT = "'><img src=x onerror=owned(3)>"


def test_what_comes_beside_the_answers_is_text_too(tmp_path: Path) -> None:
    given = {"name": "Ann", "phone": PHONE, "message": "Hello", "_ob_page": TEXT}
    where = {"utm_source": TEXT, "utm_campaign": TEXT, TEXT: TEXT}
    with siege(tmp_path, ()) as house:
        visitor = house.app.test_client()
        for local in ("<img/src=x>", '"<img src=x onerror=owned(1)>"', "ann+<script>"):
            wrong = visitor.post(ENDPOINT, data={**given, "email": f"{local}@example.org"}, query_string=where)
            assert (local, wrong.status_code, faults(wrong.text)) == (local, 422, [])
        sent = visitor.post(
            ENDPOINT, data={**given, "email": "a.'onx@example.org"}, query_string=where, headers=headers_of(TEXT)
        )
        assert sent.status_code == 303
        client = house.client()
        with house.house.database.read() as connection:
            key = connection.exec_driver_sql("SELECT id FROM inquiries").scalar_one()
            kept = connection.exec_driver_sql("SELECT page, referrer FROM submissions").one()
        assert tuple(kept) == ("", "owned.test")  # no page that the site does not have, and of others the host alone
        for path in (f"/inbox/i/{key}", "/inbox/?view=all", "/inbox/report", "/inbox/deliveries", "/inbox/sessions"):
            assert (path, faults(client.get(path).text)) == (path, [])
