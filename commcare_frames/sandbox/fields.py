"""Trims cases to the ``fields`` asked for, or by those to ``exclude``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commcare_frames.sandbox.messages import error

if TYPE_CHECKING:
    from collections.abc import Callable

    from commcare_frames.sandbox.messages import Params
    from commcare_frames.sandbox.records import Case

    Trim = Callable[[Case], Case]
    Tree = dict[str, "Tree"]


def is_about_fields(name: str) -> bool:
    """Whether a parameter is ``fields``, ``exclude``, or one of their ``.<path>`` forms."""
    return name.split(".", 1)[0] in {"fields", "exclude"}


def trimming(params: Params) -> Trim | None:
    """Return what trims a case as the parameters say; None where they say nothing."""
    kept, dropped = _tree(params, "fields"), _tree(params, "exclude")
    if kept and dropped:
        raise error(400, "You cannot specify both 'fields' and 'exclude'")
    if kept:
        return lambda case: _keep(case, kept)
    if dropped:
        return lambda case: _drop(case, dropped)
    return None


def _tree(params: Params, kind: str) -> Tree:
    tree: Tree = {}
    for name, value in params.pairs:
        head, _, parent = name.partition(".")
        for path in (part.strip() for part in value.split(",") if head == kind and part.strip()):
            node = tree
            for key in f"{parent}.{path}".strip(".").split("."):
                node = node.setdefault(key, {})
    return tree


def _keep(value: dict[str, Any], tree: Tree) -> dict[str, Any]:
    return {
        key: _keep(value[key], below) if below and isinstance(value[key], dict) else value[key]
        for key, below in tree.items()
        if key in value
    }


def _drop(value: dict[str, Any], tree: Tree) -> dict[str, Any]:
    return {
        key: _drop(inner, tree[key]) if tree.get(key) and isinstance(inner, dict) else inner
        for key, inner in value.items()
        if key not in tree or (tree[key] and isinstance(inner, dict))
    }
