"""Edits of environment.yml and of compose files; PyYAML says what is in them afterwards."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from torchsmith.managers.edits import compose, yaml
from torchsmith.managers.edits.base import BOM, EditError, lines

if TYPE_CHECKING:
    from collections.abc import Callable

ENVIRONMENT = """\
# mine
name: train
channels:
  - pytorch
  - defaults  # why
dependencies:
  - python=3.10
  # the GPU
  - conda-forge::pytorch=2.1=*cuda*   # pinned
  - "numpy <2"
  - pip:
    - torchmetrics==1.0  # m
    - 'foo[x]>=1'

prefix: /opt/x
"""

CASES: dict[str, tuple[str, Callable[[str], str], str]] = {
    "in place, with its comment": (
        ENVIRONMENT,
        lambda text: yaml.put_dependency(text, "pytorch=2.8"),
        ENVIRONMENT.replace("conda-forge::pytorch=2.1=*cuda*", "pytorch=2.8"),
    ),
    "in its quotes": (
        ENVIRONMENT,
        lambda text: yaml.put_dependency(text, "numpy <3"),
        ENVIRONMENT.replace('"numpy <2"', '"numpy <3"'),
    ),
    "a new one before pip's list": (
        ENVIRONMENT,
        lambda text: yaml.put_dependency(text, "pytorch-gpu"),
        ENVIRONMENT.replace("  - pip:\n", "  - pytorch-gpu\n  - pip:\n"),
    ),
    "gone": (ENVIRONMENT, lambda text: yaml.remove_dependency(text, "Numpy"), ENVIRONMENT.replace('  - "numpy <2"\n', "")),
    "into pip's list": (
        ENVIRONMENT,
        lambda text: yaml.put_pip(text, "torch==2.8.0"),
        ENVIRONMENT.replace("'foo[x]>=1'\n", "'foo[x]>=1'\n    - torch==2.8.0\n"),
    ),
    "in pip's list": (
        ENVIRONMENT,
        lambda text: yaml.put_pip(text, "Foo==2"),
        ENVIRONMENT.replace("'foo[x]>=1'", "'Foo==2'"),
    ),
    "an option of pip stands first": (
        ENVIRONMENT,
        lambda text: yaml.put_pip(text, "--index-url https://e.org/whl"),
        ENVIRONMENT.replace("  - pip:\n", "  - pip:\n    - --index-url https://e.org/whl\n"),
    ),
    "gone from pip's list": (
        ENVIRONMENT,
        lambda text: yaml.remove_pip(text, "torchmetrics"),
        ENVIRONMENT.replace("    - torchmetrics==1.0  # m\n", ""),
    ),
    "a list of pip, where there is none": (
        "dependencies:\n- python\nname: x\n",
        lambda text: yaml.put_pip(text, "torch; sys_platform == 'linux'"),
        "dependencies:\n- python\n- pip\n- pip:\n    - torch; sys_platform == 'linux'\nname: x\n",
    ),
    "a channel first": (
        ENVIRONMENT,
        lambda text: yaml.put_channel(text, "conda-forge", first=True),
        ENVIRONMENT.replace("  - pytorch\n", "  - conda-forge\n  - pytorch\n"),
    ),
    "a channel that is there": (ENVIRONMENT, lambda text: yaml.put_channel(text, "defaults", first=True), ENVIRONMENT),
    "a channel goes": (ENVIRONMENT, lambda text: yaml.remove_channel(text, "pytorch"), ENVIRONMENT.replace("  - pytorch\n", "")),
    "the last item takes its key along": (
        "channels:\n  - a\nname: x\n",
        lambda text: yaml.remove_channel(text, "a"),
        "name: x\n",
    ),
    "no channels yet": ("name: x", lambda text: yaml.put_channel(text, "c"), "name: x\nchannels:\n  - c"),
    "CR LF and a byte order mark": (
        BOM + "dependencies:\r\n  - a\r\n",
        lambda text: yaml.put_dependency(text, "b"),
        BOM + "dependencies:\r\n  - a\r\n  - b\r\n",
    ),
    "what would be no text is quoted": (
        "dependencies:\n  - a\n",
        lambda text: yaml.put_dependency(text, "b[version='>=1: #']"),
        "dependencies:\n  - a\n  - 'b[version=''>=1: #'']'\n",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_an_edit(name: str) -> None:
    before, edit, after = CASES[name]
    assert edit(before) == after
    assert edit(after) == after
    assert isinstance(reference.safe_load(after.removeprefix(BOM)), dict)


REFUSED: dict[str, tuple[Callable[[], object], int, str]] = {
    "flow style": (lambda: yaml.put_dependency("dependencies: [a, b]\n", "c"), 1, "line for each item"),
    "an alias": (lambda: yaml.put_dependency("dependencies:\n  - *a\n", "c"), 2, "anchors"),
    "an anchor": (lambda: yaml.put_dependency("dependencies: &a\n  - b\n", "c"), 1, "line for each item"),
    "an item in flow style": (lambda: yaml.put_dependency("dependencies:\n  - {pip: [a]}\n", "c"), 2, "flow"),
    "a tab": (lambda: yaml.put_dependency("dependencies:\n\t- b\n", "c"), 2, "not understood"),
    "two documents": (lambda: yaml.put_dependency("dependencies:\n  - b\n---\nx: 1\n", "c"), 3, "not understood"),
    "twice": (lambda: yaml.put_dependency("dependencies:\n  - c=1\n  - c=2\n", "c"), 3, "2 times"),
    "two lists": (lambda: yaml.put_dependency("dependencies:\n  - c=1\ndependencies:\n  - d\n", "c"), 3, "twice"),
    "a line that is nothing": (lambda: yaml.put_dependency("dependencies:\n  - c=1\n;\n", "c"), 3, "not understood"),
    "a mapping": (lambda: yaml.put_dependency("dependencies:\n  c: 1\n", "c"), 1, "list was expected"),
    "no UTF-8": (lambda: yaml.put_dependency("# \udce9\n", "c"), 1, "UTF-8"),
    "a NUL": (lambda: yaml.put_dependency("a: \0\n", "c"), 1, "not understood"),
    "a letter that ends lines in YAML": (lambda: yaml.put_dependency("a: b\u2028c\n", "c"), 1, "not understood"),
    "a list in a list": (lambda: yaml.put_dependency("a:\n  - - b\n", "c"), 2, "list within"),
    "quotes over two lines": (lambda: yaml.put_dependency("a: 'b\n  c'\n", "c"), 1, "quotes"),
    "less indented than all": (lambda: yaml.put_dependency("  a: b\nc: d\n", "c"), 2, "fits nothing"),
    "a spec of two lines": (lambda: yaml.put_dependency("a: b\n", "c=1\n  - d"), 0, "no spec"),
    "a service of anchors": (
        lambda: compose.put_gpu("x: &a\n  b: c\nservices:\n  t:\n    <<: *a\n    image: i\n", "t"),
        5,
        "anchor",
    ),
    "a service in flow style": (lambda: compose.put_gpu("services:\n  t: {image: i}\n", "t"), 2, "line for each key"),
    "no such service": (lambda: compose.put_gpu("services:\n  t:\n    image: i\n", "u"), 1, "no service"),
    "no services": (lambda: compose.put_gpu("a: b\n", "t"), 0, "services"),
    "a deploy in flow style": (
        lambda: compose.put_gpu("services:\n  t:\n    image: i\n    deploy: {replicas: 1}\n", "t"),
        4,
        "lines of its own",
    ),
    "a value that is a list": (
        lambda: compose.put_key("services:\n  t:\n    ipc:\n      - a\n", "t", "ipc", "host"),
        3,
        "more than one",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_understood_is_refused(name: str) -> None:
    edit, line, says = REFUSED[name]
    with pytest.raises(EditError, match=says) as caught:
        edit()
    assert caught.value.line == line


COMPOSE = """\
# two services
x-common: &common
  restart: always
services:
  web:
    <<: *common
    image: nginx
    command: >
      a b
       c: d

      e
    ports: ["1",
      "2"]
  train:   # ours
    build: .  # here
    environment:
    - A=1
    - B=a:b

    # at the end
volumes: {}
"""
GPU = {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}


def services(text: str) -> Any:
    return reference.safe_load(text)["services"]


def test_a_service_gets_a_gpu() -> None:
    after = compose.put_key(compose.put_gpu(COMPOSE, "train"), "train", "ipc", "host")
    assert services(after)["train"] == {
        **services(COMPOSE)["train"],
        "deploy": {"resources": {"reservations": {"devices": [GPU]}}},
        "ipc": "host",
    }
    assert services(after)["web"] == services(COMPOSE)["web"]
    assert [line for line in lines(after) if line in lines(COMPOSE)] == lines(COMPOSE)
    assert compose.put_gpu(after, "train") == after
    assert compose.put_key(after, "train", "ipc", "host") == after
    assert compose.services(after) == ("web", "train")
    assert compose.value(after, "train", "build") == "."


@pytest.mark.parametrize(
    ("there", "devices"),
    [
        ("deploy:\n      replicas: 2\n", [GPU]),
        (
            (
                "deploy:\n      resources:\n        reservations:\n"
                "          devices:\n            # no gpu yet\n            - driver: x\n"
            ),
            [{"driver": "x"}, GPU],
        ),
        ("deploy:\n      resources:\n        limits:\n          memory: 1g\n", [GPU]),
        (
            (
                "deploy:\n      resources:\n        reservations:\n"
                "          devices:\n          - driver: tpu\n            count: 1\n"
            ),
            [{"driver": "tpu", "count": 1}, GPU],
        ),
        ("deploy:\n        resources:\n            reservations:\n                devices:\n", [GPU]),
    ],
)
def test_what_is_there_already_is_gone_on_with(there: str, devices: list[object]) -> None:
    text = f"services:\n  t:\n    image: i\n    {there}  u:\n    image: j\n"
    after = compose.put_gpu(text, "t")
    assert services(after)["t"]["deploy"]["resources"]["reservations"]["devices"] == devices
    assert services(after)["u"] == {"image": "j"}
    assert compose.put_gpu(after, "t") == after


@pytest.mark.parametrize(
    "there",
    ["gpus: all\n", "deploy:\n      resources:\n        reservations:\n          devices:\n            - capabilities: [gpu]\n"],
)
def test_a_service_with_a_gpu_is_left_alone(there: str) -> None:
    text = f"services:\n  t:\n    image: i\n    {there}"
    assert compose.put_gpu(text, "t") == text


def test_a_value_is_changed_in_its_place() -> None:
    assert compose.put_key(COMPOSE, "train", "build", "./x") == COMPOSE.replace("build: .  #", "build: ./x  #")
    assert compose.put_key("services:\n  t:\n    ipc:\n", "t", "ipc", "host") == "services:\n  t:\n    ipc: host\n"


VALUES = st.sampled_from(
    [
        "a",
        "'b: c'",
        '"d # e"',
        "1",
        "|\n      x: y\n\n      z",
        ">-\n      - q",
        "|+\n      k\n\n",
        "[1, {a: 'b]'}]",
        "[1,\n      2]",
        "a\n      b",
        "",
        "http://x#y",
        "~",
    ]
)
SERVICE = st.lists(
    st.tuples(st.sampled_from(["image", "build", "command", "env file", "'x y'"]), VALUES),
    min_size=1,
    max_size=4,
    unique_by=lambda pair: pair[0],
)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(SERVICE, min_size=1, max_size=3),
    st.integers(0, 2),
    st.sampled_from(["", "\n", "    # c\n", "# c\n"]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_everything_else_is_read_as_before(made: list[Any], which: int, between: str, end: str, last: bool) -> None:
    text = "services:\n"
    for number, keys in enumerate(made):
        text += f"  s{number}:\n" + "".join(f"    {key}: {value}\n{between}" for key, value in keys)
    text = text.replace("\n", end)
    text = text if last else text.removesuffix(end)
    name = f"s{which % len(made)}"
    before = services(text)
    try:
        after = compose.put_key(compose.put_gpu(text, name), name, "shm_size", "8gb")
    except EditError as error:
        assert not last
        assert "without a newline" in error.message  # noqa: PT017
        return
    added = {"deploy": {"resources": {"reservations": {"devices": [GPU]}}}, "shm_size": "8gb"}
    assert services(after) == {**before, name: {**before[name], **added}}
    assert compose.put_gpu(after, name) == after


ITEMS = st.sampled_from(["python=3.10", '"numpy <2"', "c::pytorch", "'x y'", "a  # c", "pip", "zlib >=1.2,<2", "_openmp_mutex"])


@settings(max_examples=80, deadline=None)
@given(
    st.lists(ITEMS, max_size=5),
    st.lists(ITEMS, max_size=3),
    st.sampled_from(["", "  ", "    "]),
    st.sampled_from(["\n", "\n# c\n", "\n\n"]),
    st.booleans(),
)
def test_a_list_has_one_more_or_one_other(conda: list[str], pip: list[str], indent: str, between: str, last: bool) -> None:
    body = "".join(f"{indent}- {item}{between}" for item in conda)
    body += f"{indent}- pip:\n" + "".join(f"{indent}  - {item}{between}" for item in pip) if pip else ""
    text = f"name: x\ndependencies:\n{body}channels:\n- c\n"
    text = text if last else text.removesuffix("\n")
    before = reference.safe_load(text)
    try:
        after = yaml.put_dependency(text, "numpy=2.1")
    except EditError as error:
        assert "times" in error.message  # noqa: PT017
        return
    read = reference.safe_load(after)
    old, new = ([item for item in each["dependencies"] or [] if isinstance(item, str)] for each in (before, read))
    assert [item for item in new if item != "numpy=2.1"] == [item for item in old if not item.startswith("numpy")]
    assert new.count("numpy=2.1") == 1
    assert {**read, "dependencies": 0} == {**before, "dependencies": 0}
    assert [item for item in read["dependencies"] if isinstance(item, dict)] == [
        item for item in before["dependencies"] or [] if isinstance(item, dict)
    ]
    assert yaml.put_dependency(after, "numpy=2.1") == after


def test_a_huge_file_is_edited_in_time() -> None:
    text = "dependencies:\n" + "".join(f"  - package-{at}=1.0  # c\n" for at in range(8_000))
    begun = time.process_time()
    yaml.put_dependency(text, "torch")
    assert time.process_time() - begun < 3
