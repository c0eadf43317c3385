"""Answers the download of an application as the .ccz file that phones install."""

from __future__ import annotations

import io
import re
import zipfile
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from commcare_frames.sandbox.endpoints import Endpoint
from commcare_frames.sandbox.messages import Response, answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commcare_frames.sandbox.messages import Request

Json = dict[str, Any]

_XMLNS = {
    "": "http://www.w3.org/2002/xforms",
    ":h": "http://www.w3.org/1999/xhtml",
    ":jr": "http://openrosa.org/javarosa",
    ":xsd": "http://www.w3.org/2001/XMLSchema",
}
_TYPES = {"Int": "xsd:int", "Double": "xsd:double", "Date": "xsd:date", "Time": "xsd:time", "Geopoint": "geopoint"}


def _download(request: Request) -> Response:
    params, programme = request.params, request.domain.programme
    app_id, latest, version = (params.last(name) for name in ("app_id", "latest", "version"))
    for is_wrong, message in (
        (not app_id, "You must specify `app_id` in your GET parameters"),
        (version and latest, "You can't specify both 'version' and 'latest'"),
        (latest not in {"", "release", "build", "save"}, "latest must be either 'release', 'build', or 'save'"),
        (version and not version.isdigit(), "'version' must be an integer"),
    ):
        if is_wrong:
            return _error(400, message)
    builds = [build for build in programme.builds if build["built_from_app_id"] == app_id]
    found = [app for app in (*programme.applications, *programme.builds) if app["id"] == app_id]
    if version:
        found = [build for build in builds if build["version"] == int(version)]
    elif latest in {"release", "build"}:
        found = [build for build in builds if latest == "build" or build["is_released"]]
    if not found:
        return _error(404, "Application not found")
    app = max(found, key=lambda app: app["version"])
    if not app["modules"]:
        return answer({"error_html": "<div><p>This app has no modules</p></div>"}, 400)
    name = re.sub(r"\W+", "-", app["name"].lower()).strip("-")
    headers = {"Content-Disposition": f'attachment; filename="{name}.ccz"'}
    multimedia = params.last("include_multimedia").lower() == "true"
    return Response(200, application_file(app, multimedia=multimedia), "application/zip", headers)


def _error(status: int, message: str) -> Response:
    return answer({"status": "error", "message": message}, status)


def application_file(app: Json, *, multimedia: bool) -> bytes:
    """Return an application as the file that phones install."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in _contents(app):
            packed.writestr(zipfile.ZipInfo(name), text)
        if multimedia:
            packed.writestr(zipfile.ZipInfo("commcare/image/icon.png"), b"\x89PNG\r\n\x1a\n")
    return file.getvalue()


def _contents(app: Json) -> Iterator[tuple[str, str]]:
    places = [
        (f"modules-{module_id}/forms-{form_id}.xml", form)
        for module_id, module in enumerate(app["modules"])
        for form_id, form in enumerate(module["forms"])
    ]
    yield "profile.ccpr", _profile(app)
    yield "suite.xml", _suite(app, places)
    langs = list(dict.fromkeys(lang for module in app["modules"] for lang in module["name"]))
    for folder, lang in [("default", langs[0]), *((lang, lang) for lang in langs)]:
        yield f"{folder}/app_strings.txt", _strings(app, lang)
    for place, form in places:
        yield place, _form(form)


def _profile(app: Json) -> str:
    unique = app["built_from_app_id"] or app["id"]
    return (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        f'<profile xmlns="http://cihi.commcarehq.org/jad" version="{app["version"]}" uniqueid="{unique}" '
        f'name={quoteattr(app["name"])} update="http://localhost/update">'
        '<suite><resource id="suite" version="1"><location authority="local">./suite.xml</location></resource></suite>'
        "</profile>\n"
    )


def _suite(app: Json, forms: list[tuple[str, Json]]) -> str:
    resources = "".join(
        f'<xform><resource id="{form["unique_id"]}" version="{app["version"]}">'
        f'<location authority="local">./{place}</location></resource></xform>'
        for place, form in forms
    )
    menus = "".join(
        f'<menu id="m{number}"><text><locale id="modules.m{number}"/></text></menu>'
        for number, _ in enumerate(app["modules"])
    )
    return f"<?xml version='1.0' encoding='UTF-8'?>\n<suite version=\"{app['version']}\">{resources}{menus}</suite>\n"


def _strings(app: Json, lang: str) -> str:
    lines = [f"app.name={app['name']}"]
    for number, module in enumerate(app["modules"]):
        lines.append(f"modules.m{number}={module['name'].get(lang, '')}")
        lines += [f"forms.m{number}f{place}={form['name'].get(lang, '')}" for place, form in enumerate(module["forms"])]
    return "\n".join(lines) + "\n"


def _form(form: Json) -> str:
    name = next(iter(form["name"].values()))
    nodes: Json = {}
    for question in form["questions"]:
        node = nodes
        for key in question["value"].split("/")[2:]:
            node = node.setdefault(key, {})
    binds = "".join(
        f'<bind nodeset="{question["value"]}" type="{_TYPES.get(question["type"], "xsd:string")}"/>'
        for question in form["questions"]
    )
    langs = list(form["name"])
    itext = "".join(f'<translation lang="{lang}">{"".join(_texts(form, lang))}</translation>' for lang in langs)
    spaces = "".join(f' xmlns{prefix}="{address}"' for prefix, address in _XMLNS.items())
    return (
        f"<h:html{spaces}><h:head><h:title>{escape(name)}</h:title><model><instance>"
        f'<data xmlns="{form["xmlns"]}" name={quoteattr(name)} version="1">{_nodes(nodes)}</data></instance>'
        f"{binds}<itext>{itext}</itext></model></h:head><h:body/></h:html>\n"
    )


def _nodes(nodes: Json) -> str:
    return "".join(f"<{name}>{_nodes(inner)}</{name}>" if inner else f"<{name}/>" for name, inner in nodes.items())


def _texts(form: Json, lang: str) -> Iterator[str]:
    for question in form["questions"]:
        for each in (question, *question.get("options", ())):
            if label := (each.get("translations") or {}).get(lang):
                yield f'<text id="{each["label_ref"]}"><value>{escape(label)}</value></text>'


ENDPOINTS = [
    Endpoint(("/a/{domain}/apps/api/download_ccz/",), _download, tastypie=False, throttled=False, any_role=True)
]
