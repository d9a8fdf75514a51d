"""Write src/torchsmith/app/catalogue.py and app/answers.py: what every probe, derivation and rule declares of itself.

``check`` reads the catalogue instead of importing a hundred modules, and imports only those that have something to do.
``--check`` compares instead of writing. A test holds the two equal.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from pathlib import Path

import torchsmith.derive
import torchsmith.probes
import torchsmith.rules
from torchsmith.engine.declare import Declaration, Need, Node, RuleNode, needs_of

TARGET = Path(__file__).parent.parent / "src" / "torchsmith" / "app" / "catalogue.py"
HEADER = '''"""What is there to run. Written by tools/compile_catalogue.py from the declarations; not by hand."""
# ruff: noqa: E501
# fmt: off

from __future__ import annotations

from torchsmith.engine.declare import Need, Node, RuleNode

'''


def modules(package: object) -> list[str]:
    """The modules of a package, folders included, sorted."""
    path, name = package.__path__, package.__name__  # type: ignore[attr-defined]
    return sorted(found.name for found in pkgutil.walk_packages(path, f"{name}.") if not found.ispkg)


def marked(kind: str, package: object) -> dict[str, Node]:
    """The functions of a package that are marked so, by the fact that they give."""
    found: dict[str, Node] = {}
    for module in modules(package):
        for name, function in vars(importlib.import_module(module)).items():
            if getattr(function, "__torchsmith__", None) == kind and function.__module__ == module:
                if name in found:
                    raise SystemExit(f"two functions give the fact `{name}`: {found[name].module} and {module}")
                found[name] = Node(name, module, name, needs_of(function), kind != "derivation")
    return found


def nodes() -> list[Node]:
    """Every probe and derivation, inputs before what needs them."""
    probes, derived = marked("probe", torchsmith.probes), marked("derivation", torchsmith.derive)
    doubled = set(probes) & set(derived)
    if doubled:
        raise SystemExit(f"facts that are both probed and derived: {doubled}")
    found = probes | derived
    ordered: list[Node] = []
    placed: set[str] = set()
    while len(ordered) < len(found):
        ready = [n for n in found.values() if n.fact not in placed and all(need.fact in placed for need in n.needs)]
        if not ready:
            left = {
                n.fact: [need.fact for need in n.needs if need.fact not in placed] for n in found.values() if n.fact not in placed
            }
            raise SystemExit(f"facts that need each other, or none that exists: {left}")
        ordered += ready
        placed |= {n.fact for n in ready}
    return ordered


def rules() -> list[RuleNode]:
    """Every rule."""
    found: dict[str, RuleNode] = {}
    for module in modules(torchsmith.rules):
        check = getattr(importlib.import_module(module), "check", None)
        declared = getattr(check, "__torchsmith__", None)
        if isinstance(declared, Declaration) and inspect.isfunction(check):
            if declared.slug in found:
                raise SystemExit(f"two rules establish `{declared.slug}`")
            found[declared.slug] = RuleNode(declared.slug, module, needs_of(check), declared.explains, declared.systems)
    return [found[slug] for slug in sorted(found)]


ANSWERS_HEADER = '''"""Who reads and answers what a text tells. Written by tools/compile_catalogue.py; not by hand."""
# fmt: off

from __future__ import annotations

'''


def answers() -> str:
    """The module text: by cause the module of its answer, by signature the module and function of its reading."""
    told: dict[str, str] = {}
    readings: dict[str, tuple[str, str]] = {}
    for module in modules(torchsmith.rules):
        for name, function in vars(importlib.import_module(module)).items():
            marked_as = getattr(function, "__torchsmith__", None)
            if not isinstance(marked_as, tuple) or function.__module__ != module:
                continue
            kind, about = marked_as
            for key in (about,) if kind == "told" else about:
                if key in (told if kind == "told" else readings):
                    raise SystemExit(f"two functions are {kind} for `{key}`: the second is in {module}")
                if kind == "told":
                    told[key] = module
                else:
                    readings[key] = (module, name)
    lines = [ANSWERS_HEADER, "# cause -> module with its `told`\nTOLD: dict[str, str] = {\n"]
    lines += [f'    "{slug}": "{told[slug]}",\n' for slug in sorted(told)]
    lines.append("}\n\n# signature -> module and function\nREADINGS: dict[str, tuple[str, str]] = {\n")
    lines += [f'    "{key}": ("{readings[key][0]}", "{readings[key][1]}"),\n' for key in sorted(readings)]
    lines.append("}\n")
    return "".join(lines)


def details(known: list[Node]) -> list[Node]:
    """Every detail; what one needs is a fact of the others, so that all of them can come last."""
    facts = {node.fact for node in known}
    found = marked("detail", torchsmith.probes)
    wrong = {name for name, node in found.items() if name in facts or any(need.fact not in facts for need in node.needs)}
    if wrong:
        raise SystemExit(f"details that are facts already, or that need what is none: {wrong}")
    return [found[name] for name in sorted(found)]


FORMS = {(False, False): "", (True, False): "_ABSENT", (False, True): "_UNKNOWN", (True, True): "_ANY"}


def need_name(need: Need) -> str:
    """The constant that stands for a need: the same one in every node that has it, which spares most of the start-up."""
    return need.fact.upper() + FORMS[need.absent, need.unknown]


def literal(value: object) -> str:
    """``value`` as the text that makes it."""
    if isinstance(value, Need):
        return need_name(value)
    if isinstance(value, tuple):
        return "(" + "".join(f"{literal(item)}, " for item in value).rstrip(" " if len(value) == 1 else ", ") + ")"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def call(name: str, *values: object) -> str:
    """A line of the catalogue."""
    return f"    {name}({', '.join(map(literal, values))}),\n"


def text() -> str:
    """The catalogue as Python."""
    found, judges = nodes(), rules()
    more = details(found)
    asked = [need for node in (*found, *more) for need in node.needs] + [need for rule in judges for need in rule.needs]
    needs = {need_name(need): need for need in asked}
    lines = [HEADER]
    lines += [f'{name} = Need("{need.fact}", {need.absent}, {need.unknown})\n' for name, need in sorted(needs.items())]
    lines.append("\nNODES: tuple[Node, ...] = (\n")
    lines += [call("Node", node.fact, node.module, node.function, node.needs, node.host) for node in found]
    lines.append(
        ")\n\n# Asked only where somebody wants to see everything: verbose, JSON, bundle.\nDETAILS: tuple[Node, ...] = (\n"
    )
    lines += [call("Node", node.fact, node.module, node.function, node.needs, node.host) for node in more]
    lines.append(")\n\nRULES: tuple[RuleNode, ...] = (\n")
    lines += [call("RuleNode", rule.slug, rule.module, rule.needs, rule.explains, rule.systems) for rule in judges]
    lines.append(")\n")
    return "".join(lines)


def main() -> None:
    """Write, or with ``--check`` compare."""
    made = {TARGET: text(), TARGET.with_name("answers.py"): answers()}
    for path, content in made.items():
        if "--check" not in sys.argv:
            path.write_text(content, encoding="utf-8")
        elif path.read_text(encoding="utf-8") != content:
            raise SystemExit(f"{path.name} is not what the sources declare: run tools/compile_catalogue.py")


if __name__ == "__main__":
    main()
