"""Fonts for scripts that matplotlib's own font does not have, such as Devanagari and Ethiopic."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

logger = logging.getLogger("commcare_frames")

EMPTY = "Last Resort High-Efficiency"  # comes with matplotlib, and has every letter, as a box


def find_letters(axes: Axes) -> None:
    """Give each text the fonts of this computer that have its letters; say so once where none has."""
    from matplotlib import rcParams  # noqa: PLC0415  importing the package loads nothing heavy
    from matplotlib.text import Text  # noqa: PLC0415

    texts = [text for text in axes.findobj(Text) if isinstance(text, Text) and not text.get_text().isascii()]
    letters = frozenset("".join(text.get_text() for text in texts))
    fonts = _fonts_with(frozenset(letter for letter in letters if letter.isprintable() and not letter.isascii()))
    if EMPTY in fonts:
        _tell_once()
    if fonts:
        for text in texts:
            text.set_fontfamily([*rcParams["font.family"], *fonts])
            if EMPTY in fonts:
                text.set_fontweight("normal")  # it has no other, of which matplotlib would tell


@functools.cache
def _tell_once() -> None:
    logger.warning(
        "No font on this computer has some of the letters in the picture, which are drawn as boxes. Fonts for nearly "
        "all scripts are at notofonts.github.io (Debian and Ubuntu: apt install fonts-noto-core); restart Python after."
    )


@functools.cache
def _fonts_with(letters: frozenset[str]) -> tuple[str, ...]:
    """Return the fewest fonts, plain ones first, that have the letters which the default font lacks."""
    from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font  # noqa: PLC0415

    def missing_in(path: str, wanted: frozenset[str]) -> frozenset[str]:
        font = get_font(path)
        return frozenset(letter for letter in wanted if not font.get_char_index(ord(letter)))

    wanted = missing_in(findfont(FontProperties()), letters) if letters else letters
    plain = {font.name: font.fname for font in fontManager.ttflist if font.style == "normal" and font.weight == 400}  # noqa: PLR2004
    fonts = []
    for name in sorted(plain.keys() - {EMPTY}, key=lambda name: ("Sans" not in name and "UI" not in name, name)):
        left = missing_in(plain[name], wanted) if wanted else wanted
        if left != wanted:
            fonts.append(name)
            wanted = left
    return (*fonts, EMPTY) if wanted else tuple(fonts)
