"""Laws of every edit of TOML, on made-up files: only what is meant changes, comments stay, twice is once, the data is right."""

from __future__ import annotations

import os
import tomllib
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from torchsmith.managers.edits import toml, toml_requirements
from torchsmith.managers.edits.base import BOM, EditError, bare, lines
from torchsmith.managers.edits.toml_literals import same
from torchsmith.managers.edits.toml_spans import Document

settings.register_profile("edits", max_examples=int(os.environ.get("TORCHSMITH_EXAMPLES", "60")), deadline=None)
LAWS = settings(settings.get_profile("edits"), suppress_health_check=list(HealthCheck))

NAMES = st.sampled_from(["a", "b", "torch", "c-d", '"x.y"', "'q r'", '"\\u00e9"', "1"])
ODD = st.sampled_from(["plain", "\u2028", "\x85", "\tx", 'quo"te', "[[a]]", "a = 1", "é", "\U0001f600", "# twice"])
COMMENT = ODD.map(lambda text: f"# {text}")
BLANKS = st.sampled_from(["", "", " ", "  ", "\t"])
SCALARS = st.sampled_from(
    [
        '"s"',
        "'l # no'",
        "1",
        "-0x1f".replace("-", ""),
        "1.5",
        "nan",
        "true",
        "1979-05-27 07:32:00",
        '"\\" # no"',
        "'''m\nl'''",
        '"""a""b"""',
    ]
)
ENDS = st.sampled_from(["\n", "\r\n"])


@st.composite
def arrays(draw: st.DrawFn, items: st.SearchStrategy[str]) -> str:
    """An array in one line or in several, with comments and a last comma or without."""
    parts: list[str] = draw(st.lists(items, max_size=4))
    several: bool = draw(st.booleans())
    comma_behind: bool = draw(st.booleans())
    if not several:
        last = "," if parts and comma_behind else ""
        gap = draw(st.sampled_from(["", " "]))
        return f"[{gap}{', '.join(parts)}{last}{gap}]"
    made, indent = "[", draw(st.sampled_from(["  ", "\t", ""]))
    for at, part in enumerate(parts):
        comma = "," if at + 1 < len(parts) or comma_behind else ""
        before = f"\n{indent}{draw(COMMENT)}" if draw(st.integers(0, 4)) == 0 else ""
        behind = f" {draw(COMMENT)}" if draw(st.integers(0, 3)) == 0 else ""
        made += f"{before}\n{indent}{part}{comma}{behind}"
    return made + "\n]"


@st.composite
def tables(draw: st.DrawFn) -> str:
    names = draw(st.lists(NAMES, max_size=3, unique_by=lambda name: tomllib.loads(f"{name}=1").popitem()[0]))
    gap = draw(st.sampled_from(["", " "]))
    return "{" + gap + ", ".join(f"{name} = {draw(SCALARS)}" for name in names) + gap + "}"


VALUES = st.one_of(SCALARS, arrays(SCALARS), tables(), arrays(tables()))


@st.composite
def documents(draw: st.DrawFn, requirements: bool = False) -> str:
    """A file of TOML, as hands write them."""
    found: list[str] = []
    values = st.one_of(VALUES, arrays(REQUIREMENTS)) if requirements else VALUES

    def keys() -> None:
        for _ in range(draw(st.integers(0, 4))):
            kind = draw(st.integers(0, 5))
            if kind == 0:
                found.append(draw(BLANKS) + draw(COMMENT))
            elif kind == 1:
                found.append(draw(BLANKS))
            else:
                key = draw(st.lists(NAMES, min_size=1, max_size=1 if draw(st.integers(0, 3)) else 2))
                sign = draw(st.sampled_from([" = ", "=", "\t=  "]))
                behind = draw(st.sampled_from(["", "", " ", "  # c", "#c"]))
                found.append(f"{draw(BLANKS)}{'.'.join(key)}{sign}{draw(values)}{behind}")

    keys()
    for _ in range(draw(st.integers(0, 4))):
        path = ".".join(draw(st.lists(NAMES, min_size=1, max_size=3)))
        header = draw(st.sampled_from([f"[{path}]", f"[[{path}]]", f"[ {path} ]"]))
        found.append(draw(BLANKS) + header + draw(st.sampled_from(["", "", " # h"])))
        keys()
    end = draw(ENDS)
    mixed = draw(st.integers(0, 4)) == 0
    text = "".join(line.replace("\n", end) + (draw(ENDS) if mixed else end) for line in found)
    if draw(st.booleans()):
        text = text.removesuffix("\n").removesuffix("\r")
    return (BOM if draw(st.integers(0, 4)) == 0 else "") + text


REQUIREMENTS = st.sampled_from(
    ['"numpy>=1"', "'torch[x] >= 2 ; python_version < \"3.13\"'", '"torch-audio"', '"Foo.Bar==1"', '{include-group = "g"}']
)
NEW_VALUES = st.sampled_from(
    [
        "new",
        7,
        True,
        ["x", "y"],
        {"version": ">=2", "source": "s"},
        [{"index": "i", "marker": "m == 'x'"}],
        [],
        'q"uo\\te',
        "\u2028",
    ]
)


def parsed(text: str) -> dict[str, Any]:
    return tomllib.loads(text.removeprefix(BOM))


def sound(text: str) -> bool:
    try:
        parsed(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def paths(data: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path] if path else []
    if isinstance(data, dict):
        found += [each for key, value in data.items() for each in paths(value, (*path, key))]
    if isinstance(data, list):
        found += [each for at, value in enumerate(data) for each in paths(value, (*path, at))]
    return found


def got(data: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        data = data[part]
    return data


def comments(text: str) -> list[str]:
    """The comment lines of their own, outside of values: what is cut off by a parser that knows only statements."""
    document = Document(text)
    return [text[each.start : each.end].strip() for each in document.statements if each.kind == "comment"]


def said(text: str) -> list[str]:
    return [line for line in lines(text.removeprefix(BOM)) if line.strip()]


def is_subsequence(some: list[str], others: list[str]) -> bool:
    rest = iter(others)
    return all(each in rest for each in some)


@LAWS
@given(documents(), st.data(), NEW_VALUES)
def test_a_value_is_set_where_it_stands(text: str, data: st.DataObject, value: Any) -> None:
    assume(sound(text))
    there = parsed(text)
    those = [path for path in paths(there) if not isinstance(got(there, path), dict)]
    those = [path for path in those if not (isinstance(got(there, path), list) and Document(text).span(path) is None)]
    assume(those)
    path = data.draw(st.sampled_from(those))
    after = toml.put(text, path, value)
    assert same(got(parsed(after), path), value)
    assert toml.put(after, path, value) == after
    span = Document(text).span(path)
    assert span is not None
    assert after.startswith(text[: span[0]])
    assert after.endswith(text[span[1] :])
    assert comments(text) == comments(after)
    back = toml.put(after, path, got(there, path))
    assert same(parsed(back), there)


@LAWS
@given(documents(), st.data(), NEW_VALUES)
def test_a_new_key_leaves_every_line_as_it_is(text: str, data: st.DataObject, value: Any) -> None:
    assume(sound(text))
    there = parsed(text)
    held = [(), *(path for path in paths(there) if isinstance(got(there, path), dict))]
    table = data.draw(st.sampled_from(held))
    path = (*table, *data.draw(st.sampled_from([("new",), ("new", "er"), ("tool", "uv", "sources", "torch"), ("é.x",)])))
    assume(path[len(table)] not in got(there, table))
    after = toml.put(text, path, value)
    assert same(got(parsed(after), path), value)
    assert toml.put(after, path, value) == after
    assert after.startswith(BOM) == text.startswith(BOM)
    if Document(text).holder(path) is None:
        body, made = text.removeprefix(BOM), after.removeprefix(BOM)
        assert is_subsequence([bare(line) for line in lines(body)], [bare(line) for line in lines(made)])
        assert is_subsequence([line for line in lines(body) if line != bare(line)], lines(made))
        assert not body or made.endswith("\n") == body.endswith("\n")
        if len(path) - len(table) == 1:
            assert same(parsed(toml.remove(after, path)), there)
    assert is_subsequence(comments(text), comments(after))


@LAWS
@given(documents(), st.data())
def test_what_is_removed_takes_nothing_else_along(text: str, data: st.DataObject) -> None:
    assume(sound(text))
    there = parsed(text)
    those = paths(there)
    assume(those)
    path = data.draw(st.sampled_from(those))
    try:
        after = toml.remove(text, path)
    except EditError as error:
        # Keys with dots inside an inline table, and entries that other tables hang on.
        assert "cannot be" in str(error) or "dots" in str(error) or "comment" in str(error)  # noqa: PT017
        return
    assert toml.remove(after, path) == after or isinstance(path[-1], int)
    assert is_subsequence(said(after), said(text)) or Document(text).span(path)
    assert comments(text) == comments(after)


@LAWS
@given(documents(), st.sampled_from([("tool", "uv", "index"), ("a",), ("a", "b"), ("source",)]), ENDS)
def test_an_entry_comes_and_goes(text: str, path: tuple[str, ...], end: str) -> None:
    assume(sound(text))
    entry = {"name": "pytorch-cu129", "url": "https://example.org/whl/cu129", "explicit": True}
    try:
        before = toml.entries(text, path)
        after = toml.put_entry(text, path, entry)
    except EditError:
        # Something else stands at the path.
        return
    assert toml.entries(after, path) == (*before, entry)
    assert toml.put_entry(after, path, entry) == after
    moved = toml.put_entry(after, path, {"name": "pytorch-cu129", "url": "https://example.org/whl/cu130"})
    assert toml.entries(moved, path)[-1] == {**entry, "url": "https://example.org/whl/cu130"}
    assert len(lines(moved)) == len(lines(after))
    assert comments(text) == comments(after)
    gone = toml.remove_entry(after, path, "pytorch-cu129")
    assert same(parsed(gone), parsed(text)) or not before


@LAWS
@given(
    documents(requirements=True),
    st.data(),
    st.sampled_from(["torch==2.8.0", "numpy<3", "new~=1.0", "foo-bar @ https://example.org/f.whl"]),
)
def test_a_requirement_takes_the_place_of_its_name(text: str, data: st.DataObject, requirement: str) -> None:
    assume(sound(text))
    there = parsed(text)
    held = [path for path in paths(there) if isinstance(got(there, path), list) and Document(text).span(path)]
    assume(held)
    path = data.draw(st.sampled_from(held))
    after = toml_requirements.put_requirement(text, path, requirement, every=True)
    name = toml_requirements.parts(requirement)[0]
    old, new = got(there, path), got(parsed(after), path)
    assert len(toml_requirements.named(after, path, name)) >= 1
    assert len(new) - len(old) in {0, 1}
    assert [same(a, b) for a, b in zip(old, new, strict=False)].count(False) <= len(toml_requirements.named(text, path, name))
    assert toml_requirements.put_requirement(after, path, requirement, every=True) == after
    assert sorted(comments(text)) == sorted(comments(after))
    assert text.count("#") <= after.count("#")
    gone = toml_requirements.remove_requirement(after, path, name)
    assert toml_requirements.named(gone, path, name) == ()


def test_the_edits_of_a_file_are_none_where_nothing_is_asked() -> None:
    assert toml.put("a = 1\n", ("a",), 1) == "a = 1\n"
