"""``torchsmith rule``: a cause's one page, from a rule's docstring or its knowledge row."""

from __future__ import annotations

from importlib import import_module

from torchsmith.app.catalogue import RULES
from torchsmith.model.errors import UsageError


def page(slug: str) -> str:
    """The page of a cause.

    Raises:
        UsageError: no cause is called so; the nearest ones are named.

    """
    from torchsmith.knowledge import causes

    rule = next((node for node in RULES if node.slug == slug), None)
    if rule is not None:
        return (import_module(rule.module).__doc__ or "").strip() + "\n"
    cause = causes.get(slug)
    if cause is not None:
        told = "From text: no probe of this machine shows it yet."
        return f"# {slug}\n\n## What it means\n{cause.meaning}\n\n## How it is told\n{told}\n"
    from difflib import get_close_matches

    near = get_close_matches(slug, sorted({*(node.slug for node in RULES), *causes.slugs()}), n=3)
    hint = f"; did you mean {', '.join(f'`{name}`' for name in near)}?" if near else "; `torchsmith rule` lists them"
    raise UsageError(f"no cause is called `{slug}`{hint}")


def title(slug: str, module: str) -> str:
    """The first line of a rule's page."""
    del slug
    return ((import_module(module).__doc__ or "").strip().splitlines() or [""])[0].lstrip("# ")


def listing() -> str:
    """Every rule with its title."""
    width = max(len(node.slug) for node in RULES)
    return "".join(f"{node.slug:<{width}}  {title(node.slug, node.module)}\n" for node in RULES)
