"""Parsers of what installers leave behind, with junk among it."""

import pytest

from torchsmith.model.facts.install import Index
from torchsmith.probes import (
    companion_builds,
    extension_files,
    indexes,
    locked_torch,
    packages,
    path_programs,
    torch_pins,
    xformers_build,
)
from torchsmith.probes.torch import parse as torch_version

WHL = "https://download.pytorch.org/whl"


def test_distributions_among_junk() -> None:
    names = [
        "torch-2.8.0+cu128.dist-info",
        "Nvidia_cuBLAS.cu12-12.8.4.1.dist-info",
        "torch",
        "~orch-2.7.0.dist-info",
        "~ip",
        "x.dist-info",
        "-.dist-info",
        "old-1.0-py3.11.egg-info",
    ]
    found, left = packages.parse("/s", names)
    assert [(p.name, p.version) for p in found] == [("torch", "2.8.0+cu128"), ("nvidia-cublas-cu12", "12.8.4.1"), ("old", "1.0")]
    assert left == ["/s/~orch-2.7.0.dist-info", "/s/~ip"]


def test_condas_records() -> None:
    (record,) = packages.parse_conda(["history", "pytorch-2.5.1-py3.12_cuda12.4_cudnn9.1.0_0.json", "broken.json"], "/m")
    assert (record.name, record.version, record.conda_build) == ("pytorch", "2.5.1", "py3.12_cuda12.4_cudnn9.1.0_0")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"[global]\nindex-url = {WHL}/cpu\n", [(f"{WHL}/cpu", "index")]),
        (
            f"[global]\nextra_index_url:\n  {WHL}/cu126\n  # no\n  https://a:b@c.example/simple\n",
            [(f"{WHL}/cu126", "extra"), ("https://c.example/simple", "extra")],
        ),
        ("[global]\ncert = /x\ntimeout=3\n; index-url = no\n", []),
        ("\x00\xff=\n=\n:\n", []),
    ],
)
def test_pip_conf(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(entry.url, entry.kind) for entry in indexes.parse_pip(text, "pip.conf")] == expected


def test_pyproject_tables_that_name_indexes() -> None:
    text = (
        f'[project]\nurl = "https://home.example/"\n[[tool.uv.index]]\nname = "a"\nurl = "{WHL}/cu126" # why\nexplicit = true\n'
        f'[tool.uv]\nextra-index-url = ["{WHL}/cu128", "https://x.example/simple"]\n[tool.other]\nurl = "{WHL}/cpu"\n'
    )
    assert [entry.url for entry in indexes.parse_toml(text, "p")] == [f"{WHL}/cu126", f"{WHL}/cu128", "https://x.example/simple"]


def test_requirements() -> None:
    text = f"-i {WHL}/cpu\n--extra-index-url={WHL}/cu126\n-f ./wheels\ntorch --hash=x\n-r other.txt\n"
    assert indexes.parse_requirements(text, "r") == [
        Index(f"{WHL}/cpu", "index", "r"),
        Index(f"{WHL}/cu126", "extra", "r"),
        Index("./wheels", "links", "r"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f'[[package]]\nname = "torch"\nversion = "2.8.0+cpu"\nsource = {{ registry = "{WHL}/cpu" }}\n',
            ("2.8.0+cpu", f"{WHL}/cpu"),
        ),
        (
            f'[[package]]\nname = "torch"\nversion = "2.8.0+cpu"\nfiles = []\n\n[package.source]\nurl = "{WHL}/cpu"\n',
            ("2.8.0+cpu", f"{WHL}/cpu"),
        ),
        ('[[package]]\nname = "torchvision"\nversion = "0.23.0"\n', None),
        ('[[package]]\nname = "torch"\nversion = "1"\n[[package]]\nname = "torch"\nversion = "2"\n', None),
        ("", None),
    ],
)
def test_lock_files(text: str, expected: tuple[str, str] | None) -> None:
    assert locked_torch.parse(text) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Requires-Dist: torch==2.9.0", "2.9.0"),
        ("Requires-Dist: torch (==2.9.0)", "2.9.0"),
        ('Requires-Dist: torch==2.9.0+cu128; platform_system == "Linux"', "2.9.0+cu128"),
        ("Requires-Dist: torch>=2.0", None),
        ("Requires-Dist: torch==2.9.0; extra == 'gpu'", None),
        ("Requires-Dist: torchvision==0.24.0", None),
        ("Requires-Dist: torch", None),
    ],
)
def test_pins(line: str, expected: str | None) -> None:
    assert torch_pins.parse(["Requires-Dist: torch-geometric==2.0", line]) == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("#!/e/bin/python3\nimport sys\n", "/e/bin/python3"),
        ("#!/usr/bin/env python3\n", "python3"),
        ("#!/bin/sh\n'''exec' \"/a b/bin/python3.12\" \"$0\" \"$@\"\n' '''\n", "/a b/bin/python3.12"),
        ("#!/usr/bin/env bash\nexec pyenv exec\n", ""),
        ("\x7fELF", ""),
        ("", ""),
    ],
)
def test_the_interpreter_of_a_script(script: str, expected: str) -> None:
    assert path_programs.interpreter_of(script) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2.7.4.post1 flash_attn-2.7.4.post1+cu12torch2.4cxx11abiFALSE-cp310-cp310-linux_x86_64.whl", "2.4"),
        ("2.8.3 flash_attn-2.8.3%2Bcu12torch2.8cxx11abiTRUE-cp312", "2.8"),
        ("2.7.4.post1", ""),
        ("1.0 https://example.org/torch2/x", ""),
    ],
)
def test_the_torch_in_a_wheels_name(text: str, expected: str) -> None:
    assert extension_files.built_for(text) == expected


def test_version_files() -> None:
    assert companion_builds.parse("__version__ = '0.29.1+cu130'\ngit_version = 'x'\n") == "0.29.1+cu130"
    assert companion_builds.parse("__version__ = get()\n") is None
    torch = torch_version(
        "/t",
        "from typing import Optional\n__version__ = '2.14.1+cu130'\ncuda: Optional[str] = '13.0'\nhip: Optional[str] = None\n",
    )
    assert torch
    assert (torch.kind, torch.build, torch.cuda) == ("cuda", "cu130", "13.0")
    assert torch_version("/t", "print('no version')\n") is None


def test_xformers() -> None:
    built = xformers_build.parse(
        '{"version": {"cuda": 1208, "hip": null, "torch": "2.8.0+cu128", "python": "3.9.23"}}', "0.0.32", "p"
    )
    assert built
    assert (built.torch, built.cuda) == ("2.8.0+cu128", "12.8")
    assert xformers_build.parse("{}", "0.0.32", "p") is None
