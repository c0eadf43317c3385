"""What is attached to forms: its addresses, its bytes, and who may have it."""

from __future__ import annotations

import io
from xml.etree import ElementTree as ET

import pytest
from asking import Ask
from known_forms import VISIT, form
from matplotlib.image import imread

from commcare_frames.sandbox import start
from commcare_frames.sandbox.attachments import form_xml


@pytest.fixture(scope="module")
def whole():
    with start(patients=60) as sandbox:
        yield sandbox


@pytest.mark.parametrize("path", ["form_attachment/v1", "form/attachment"])
def test_the_xml_of_a_form(ask, forms, path):
    submitted = form(VISIT, q="<&> é", rep=[{"n": "1"}, {"n": ""}], meta={"instanceID": "i1", "geo_point": None})
    forms.submit({"form": submitted})
    answer = ask(f"{path}/i1/form.xml")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/xml")
    assert answer.content.decode() == (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        f'<data name="A form" version="3" uiVersion="1" xmlns="{VISIT}"><q>&lt;&amp;&gt; é</q>'
        "<rep><n>1</n></rep><rep><n/></rep><meta><instanceID>i1</instanceID></meta></data>\n"
    )


def test_a_length_stays_right_after_an_edit(ask, forms):
    forms.edit("f1", q="a longer answer than before")
    stated = ask("form/v1/f1/").json()["attachments"]["form.xml"]
    content = ask(stated["url"].removeprefix(ask.sandbox.url)).content
    assert len(content) == stated["length"]
    assert b"a longer answer" in content


def test_a_missing_attachment_is_a_web_page(ask, forms):
    for path in ("form_attachment/v1/f1/nope.jpg", "form/attachment/nope/form.xml", "form_attachment/v1/f1"):
        answer = ask(path)
        assert answer.status_code == 404
        assert answer.text.startswith("<!DOCTYPE html>")


def test_attachments_need_the_permission_and_are_not_throttled(ask, hq, forms):
    assert ask("form_attachment/v1/f1/form.xml", login=hq.no_edit).status_code == 403
    assert ask("form_attachment/v1/f1/form.xml", authorization="").status_code == 401
    hq.faults.throttle("maternal-health", 0)
    assert {ask("form_attachment/v1/f1/form.xml").status_code for _ in range(5)} == {200}


@pytest.mark.parametrize("length", [1, 159, 160, 164, 166, 3_000, 65_700, 131_238])
def test_attachments_are_as_long_as_stated_and_the_same_every_time(ask, forms, length):
    attached = {
        "a b.jpg": {"content_type": "image/jpeg", "length": length},
        "c.jpg": {"content_type": "image/jpeg", "length": length},
        "d.m4a": {"content_type": "audio/mp4", "length": length, "url": "https://elsewhere.example.org/d.m4a"},
    }
    forms.submit({"id": "f9", "form": form(VISIT), "attachments": attached})
    files = ask("form/v1/f9/").json()["attachments"]
    assert files["d.m4a"]["url"] == "https://elsewhere.example.org/d.m4a"
    assert files["a b.jpg"]["url"] == f"{ask.sandbox.url}/a/maternal-health/api/form_attachment/v1/f9/a%20b.jpg"
    picture = ask(files["a b.jpg"]["url"].removeprefix(ask.sandbox.url))
    assert (picture.headers["Content-Type"], len(picture.content)) == ("image/jpeg", length)
    assert "Content-Encoding" not in picture.headers
    assert ask("form_attachment/v1/f9/a b.jpg").content == picture.content
    assert len(ask("form_attachment/v1/f9/d.m4a").content) == length
    if length > 159:
        assert imread(io.BytesIO(picture.content), format="jpeg").shape == (1, 1)
    if length > 200:
        assert ask("form_attachment/v1/f9/c.jpg").content != picture.content


def test_a_server_of_before_2024_names_attachments_by_their_old_path(ask, hq, forms):
    hq.faults.old_scheme_only = True
    [url] = {file["url"] for file in ask("v0.5/form/f1/").json()["attachments"].values()}
    assert url == f"{hq.url}/a/maternal-health/api/form/attachment/f1/form.xml"
    assert ask(url.removeprefix(hq.url)).status_code == 200
    assert ask("form_attachment/v1/f1/form.xml").status_code == 404


def test_addresses_name_the_server_s_public_url():
    with start(patients=5, public_url="https://hq.example.org") as sandbox:
        page = Ask(sandbox)("form/v1/").json()
    urls = [file["url"] for each in page["objects"] for file in each["attachments"].values()]
    assert urls
    assert all(url.startswith("https://hq.example.org/a/maternal-health/api/form_attachment/v1/") for url in urls)


def test_the_programme_s_attachments_are_well_formed_and_as_long_as_stated(whole):
    ask = Ask(whole)
    forms = ask("form/v1/", {"limit": 1000, "order_by": "indexed_on"}).json()["objects"]
    photos = [each for each in forms if any(name.endswith(".jpg") for name in each["attachments"])]
    for each in forms[::40] + photos[:3]:
        for name, file in each["attachments"].items():
            content = ask(file["url"].removeprefix(whole.url)).content
            assert file["length"] in {len(content), None}
            if name == "form.xml":
                root = ET.fromstring(content)
                assert root.tag == f"{{{each['form']['@xmlns']}}}data"
                assert (root.find("{*}meta") is None) == (each["metadata"] is None)
            else:
                assert imread(io.BytesIO(content), format="jpeg").shape == (1, 1)
    assert photos


def test_the_xml_of_no_form_is_longer_than_stated(whole):
    for each in whole._hq.domains["maternal-health"].programme.iter_forms():
        stated = each["attachments"].get("form.xml", {"length": None})["length"]
        assert stated is None or len(form_xml(each)) <= stated
