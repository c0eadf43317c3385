"""The look of what is shown in a notebook: cards, notices, code; every text from elsewhere is escaped."""

from __future__ import annotations

from html import escape
from typing import Literal

Kind = Literal["error", "done", "busy"]

# What is not plain text is mixed with the colour of plain text: alone, the themes' own accents do not all stand out.
QUIET = "color-mix(in srgb, currentColor 75%, transparent)"
COLOURS = {
    "error": "color-mix(in srgb, var(--jp-error-color1, #c62828) 60%, currentColor)",
    "done": "color-mix(in srgb, var(--jp-success-color1, #2e7d32) 60%, currentColor)",
    "busy": QUIET,
}
SIGNS = {"error": "⚠", "done": "✓", "busy": "…"}

# Notebooks take keys pressed in lists and on buttons for commands: "d d" would delete the cell. JupyterLab, which hears
# of keys first, leaves elements alone that have this attribute themselves; VS Code hears what bubbles up to the page.
# Escape, the function keys and keys with Ctrl, Alt or Meta are left to them: they lead out of the panel.
# What is disabled while it has the focus would lose it to the notebook: the card holds it until that is enabled again.
KEYS = """
const card = this.closest('.commcare-card');
if (card && !card.dataset.keys) {
    card.dataset.keys = 'own';
    card.tabIndex = -1;
    card.addEventListener('focusin', event => event.target.setAttribute('data-lm-suppress-shortcuts', 'true'));
    card.addEventListener('keydown', event => {
        const leads = event.ctrlKey || event.altKey || event.metaKey || /^(Escape|F[0-9]+)$/.test(event.key);
        if (!leads) event.stopPropagation();
    });
    let waits = null;
    new MutationObserver(changes => changes.forEach(({target}) => {
        if (target.disabled && target === document.activeElement) {waits = target; card.focus()}
        else if (target === waits && document.activeElement === card) target.focus();
    })).observe(card, {subtree: true, attributeFilter: ['disabled']});
}
"""

# Colours come from the notebook's theme, so that a dark one stays legible. In VS Code the theme of widgets is a light
# one whatever its own is, and its own reaches single elements: letters and what is behind them must both be set here.
CSS = """
.commcare-card { color: var(--jp-ui-font-color1, #212121); background: var(--jp-layout-color1, #ffffff);
  border: 1px solid var(--jp-border-color2, #bdbdbd); border-radius: 6px; padding: 12px 16px 14px;
  box-sizing: border-box; }
.commcare-card .widget-html-content, .commcare-card .jupyter-widget-html-content { line-height: 1.45;
  white-space: normal; overflow-wrap: anywhere; }
.commcare-card :is(input, select, button):focus-visible {
  outline: 2px solid var(--jp-brand-color1, #1976d2); outline-offset: 1px; }
.commcare-card:focus { outline: none; }
.commcare-card code { padding: 1px 4px; border-radius: 3px; color: inherit;
  background: var(--jp-layout-color2, #eeeeee); }
"""
STYLE = f'<style onload="{escape(KEYS)}">{CSS}</style>'


def heading(text: str) -> str:
    """Return the heading of a card."""
    return (
        f'{STYLE}<div role="heading" aria-level="3" style="font-size: 1.25em; font-weight: 600; '
        f'margin-bottom: 4px">{escape(text)}</div>'
    )


def hint(text: str) -> str:
    """Return a text that explains, in a quieter colour."""
    return f'<span style="color: {QUIET}">{escape(text)}</span>'


def notice(text: str, kind: Kind) -> str:
    """Return a message in the colour of its kind; screen readers read it out when it appears."""
    role = "alert" if kind == "error" else "status"
    return (
        f'<div role="{role}" style="display: flex; gap: 8px; color: {COLOURS[kind]}">'
        f'<span aria-hidden="true">{SIGNS[kind]}</span><span>{escape(text)}</span></div>'
    )


def code(text: str) -> str:
    """Return a piece of Python."""
    return f"<code>{escape(text)}</code>"


def strong(text: str) -> str:
    """Return an emphasised text."""
    return f"<b>{escape(text)}</b>"
