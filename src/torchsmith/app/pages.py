"""``torchsmith rule``: a cause's one page, from its file's docstring or, where it has none, from its knowledge row."""

from __future__ import annotations

from importlib import import_module

from torchsmith.app.answers import TOLD
from torchsmith.app.catalogue import RULES
from torchsmith.model.errors import UsageError


def page(slug: str) -> str:
    """The page of a cause.

    Raises:
        UsageError: no cause is called so; the nearest ones are named.

    """
    from torchsmith.knowledge import causes

    module = _modules().get(slug)
    if module is not None:
        return (import_module(module).__doc__ or "").strip() + "\n"
    cause = causes.get(slug)
    if cause is not None:
        told = "From text: no probe of this machine shows it yet."
        return f"# {slug}\n\n## What it means\n{cause.meaning}\n\n## How it is told\n{told}\n"
    from difflib import get_close_matches

    near = get_close_matches(slug, sorted({*_modules(), *causes.slugs()}), n=3)
    hint = f"; did you mean {', '.join(f'`{name}`' for name in near)}?" if near else "; `torchsmith rule` lists them"
    raise UsageError(f"no cause is called `{slug}`{hint}")


def title(slug: str, module: str) -> str:
    """The first line of a rule's page."""
    del slug
    return ((import_module(module).__doc__ or "").strip().splitlines() or [""])[0].lstrip("# ")


def listing() -> str:
    """Every cause that has a page of its own, with its title."""
    modules = _modules()
    width = max(map(len, modules))
    return "".join(f"{slug:<{width}}  {title(slug, module)}\n" for slug, module in modules.items())


def _modules() -> dict[str, str]:
    """The file of each cause: those that facts can establish, then those that only a text tells of."""
    return {node.slug: node.module for node in RULES} | {
        slug: module for slug, module in sorted(TOLD.items()) if slug not in {node.slug for node in RULES}
    }
