"""Makes up the bytes of what is attached to forms: their XML, pictures, other media."""

from __future__ import annotations

import hashlib
from itertools import repeat
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from commcare_frames.sandbox.form_record import Form

FORM_XML = "form.xml"
COMPUTED = frozenset({"app_build_version", "commcare_version", "geo_point"})
"""What HQ adds to a form's ``meta``."""

_COMMENT_HEAD, _LONGEST_COMMENT = 4, 65_533
_JPEG_START = b"\xff\xd8"
_ONE_GREY_PIXEL = bytes.fromhex(
    "ffe000104a46494600010100000100010000" + "ffdb004300" + "ff" * 64 + "ffc0000b080001000101011100"
    "ffc40014000100000000000000000000000000000000" + "ffc40014100100000000000000000000000000000000"
    "ffda0008010100003f003fffd9"
)


def attachment(form: Form, name: str) -> bytes:
    """Return the bytes of an attachment, the same every time and as many as the form says.

    Parameters
    ----------
    form
        The form, whose XML comes unshortened, whatever its length is said to be.
    name
        Name of the attachment.
    """
    file = form["attachments"][name]
    length: int = file.get("length") or 0
    if name == FORM_XML:
        return form_xml(form).ljust(length)
    noise = hashlib.sha256(f"{form['id']}/{name}".encode()).digest()
    if file["content_type"] == "image/jpeg":
        return _picture(noise, length)
    return _filled(noise, length)


def described_xml(form: Form) -> dict[str, Any]:
    """Return what a form says of its own XML."""
    return {"content_type": "text/xml", "length": len(form_xml(form))}


def form_xml(form: Form) -> bytes:
    """Return a form as the phone sent it."""
    answers = dict(form["form"])
    if isinstance(meta := answers.get("meta"), dict):
        answers["meta"] = {key: value for key, value in meta.items() if key not in COMPUTED}
    root = answers.get("#type", "data")
    return f"<?xml version='1.0' encoding='UTF-8'?>\n{_element(root, answers)}\n".encode()


def _element(name: str, value: Any) -> str:  # noqa: ANN401  any part of a form
    if isinstance(value, list):
        return "".join(map(_element, repeat(name), value))
    if not isinstance(value, dict):
        return f"<{name}>{escape(str(value))}</{name}>" if value not in {None, ""} else f"<{name}/>"
    attributes = "".join(f" {key[1:]}={quoteattr(str(one))}" for key, one in value.items() if key.startswith("@"))
    inner = escape(str(value.get("#text", "")))
    inner += "".join(_element(key, one) for key, one in value.items() if not key.startswith(("@", "#")))
    return f"<{name}{attributes}>{inner}</{name}>"


def _picture(noise: bytes, length: int) -> bytes:
    """Return a picture of one pixel that comments make as long as asked."""
    missing = length - len(_JPEG_START) - len(_ONE_GREY_PIXEL)
    comments = b""
    while missing > _COMMENT_HEAD:
        text = min(missing - _COMMENT_HEAD, _LONGEST_COMMENT)
        comments += b"\xff\xfe" + (text + 2).to_bytes(2) + _filled(noise, text)
        missing -= _COMMENT_HEAD + text
    return (_JPEG_START + comments + _ONE_GREY_PIXEL).ljust(length, b"\0")[:length]


def _filled(noise: bytes, length: int) -> bytes:
    return (noise * (length // len(noise) + 1))[:length]
