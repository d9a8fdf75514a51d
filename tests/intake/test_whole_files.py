"""Whole project files of any content: an answer or one error of ours, in bounded work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.app import test_project as samples

from torchsmith.app import project
from torchsmith.intake import lock_files, requirement_lines, whole_files
from torchsmith.model.facts.project import Binding, Dependency, Locked, Source

SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=200)
TEXTS = [value for name, value in vars(samples).items() if name.isupper() and isinstance(value, str)]
READERS: dict[str, Callable[[str], Iterator[tuple[str, Any]]]] = {
    "pyproject.toml": lambda text: whole_files.pyproject(whole_files.toml(text, "pyproject.toml")),
    "Pipfile": lambda text: whole_files.pipfile(whole_files.toml(text, "Pipfile")),
    "pixi.toml": lambda text: whole_files.pixi(whole_files.toml(text, "pixi.toml")),
    "environment.yml": lambda text: whole_files.environment_yml(text, "environment.yml"),
    "setup.cfg": lambda text: requirement_lines.setup_cfg(text, "setup.cfg"),
    "requirements.txt": lambda text: requirement_lines.read(text, "requirements.txt"),
    **{name: lambda text, name=name: lock_files.read(text, name) for name in lock_files.TOOLS},  # type: ignore[misc]
}


def read(name: str, text: str) -> list[tuple[str, Any]]:
    try:
        found = list(READERS[name](text))
    except whole_files.NotReadError:
        return []
    kinds = {"dependency": Dependency, "source": Source, "binding": Binding, "locked": Locked}
    assert all(isinstance(value, kinds[kind]) for kind, value in found if kind in kinds)
    assert all(
        isinstance(value, str) for kind, value in found if kind in {"manager", "version", "core", "channel", "table", "remark"}
    )
    return found


@SLOW
@given(st.sampled_from(sorted(READERS)), st.text(max_size=400))
def test_any_text(name: str, text: str) -> None:
    read(name, text)


@SLOW
@given(st.sampled_from(sorted(READERS)), st.sampled_from(TEXTS), st.data())
def test_real_files_cut_and_broken(name: str, text: str, draw: st.DataObject) -> None:
    start = draw.draw(st.integers(0, len(text)))
    junk = draw.draw(st.text(alphabet="[]{}=\"'\\.,#\n -:|1a\x00\x1b", max_size=30))
    read(name, text[:start] + junk + text[start + draw.draw(st.integers(0, 100)) :])


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["torch", "==2.0", "https://u:p@h/whl/cu128", "torch @ https://u:p@h/t.whl"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
TABLES = (
    "dependencies",
    "optional-dependencies",
    "source",
    "sources",
    "index",
    "group",
    "conflicts",
    "requires-python",
    "packages",
)
TOOLS = st.dictionaries(
    st.sampled_from([*TABLES, "dev-dependencies", "requires", "python_version", "feature", "workspace"]), VALUES
)


@SLOW
@given(st.sampled_from(["pyproject", "pipfile", "pixi"]), TOOLS, st.sampled_from(["uv", "poetry", "pdm", "pixi"]), VALUES)
def test_tables_that_hold_anything(name: str, values: dict[str, Any], tool: str, other: Any) -> None:
    document = {**values, "project": values, "dependency-groups": other, "tool": {tool: values}, "build-system": other}
    found = list(getattr(whole_files, name)(document))
    assert "u:p" not in repr([project.clean(value) for _, value in found])


def test_where_a_file_breaks_off_is_told() -> None:
    for text in ("[project]\ndependencies = [", "[project]\r\ndependencies = ["):
        with pytest.raises(whole_files.NotReadError, match=r"no TOML: Invalid value \(at line 2, column 17, the end\)"):
            whole_files.toml(text, "pyproject.toml")


@pytest.mark.parametrize("name", sorted(READERS))
def test_nothing_says_nothing(name: str) -> None:
    assert [kind for kind, _ in read(name, "") if kind != "remark"] == []
