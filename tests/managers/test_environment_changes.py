"""What changes an environment of pip or uv: the words, who runs them, what they are told. Nothing is run."""

from __future__ import annotations

import pytest
from tests.managers.applied import option

from torchsmith.managers import transactions
from torchsmith.managers.base import CannotDo
from torchsmith.model.choice import Pin, Place
from torchsmith.model.facts.project import PastedProject
from torchsmith.model.facts.python import Environment, Interpreter, Package, Packages
from torchsmith.model.record import replace

SITE = "/home/me/app/.venv/lib/python3.11/site-packages"
PYTHON = "/home/me/app/.venv/bin/python"
URL = "https://torch.example/whl/cu129"


def package(name: str, version: str) -> Package:
    return Package(name, version, SITE, f"{SITE}/{name.replace('-', '_')}-{version}.dist-info")


def place(manager: str = "pip", torch: str = "2.8.0+cu128", *more: Package, pip: str = "23.2.1", **changed: object) -> Place:
    interpreter = Interpreter(PYTHON, "3.11.7", "/home/me/app/.venv", "/usr", 64, "x86_64", "linux", "venv", (), (SITE,))
    here = (*((package("pip", pip),) if pip else ()), package("torch", torch), *more)
    made = Place("linux", "bash", Environment("venv", manager), interpreter, torch=torch, packages=Packages(here))
    return replace(made, **({"tools": (("uv", "0.13.8"),), "here": "/home/me/app"} | changed))


def runs(where: Place, name: str = "pip", build: str = "cu129", url: str | None = URL, *beside: Pin, **more: str) -> list[str]:
    made = transactions.made(option(name, build, url, *beside, **more), where, {})
    return [" ".join(run.argv) for run in made.runs]


UV = f"uv pip install --python {PYTHON}"
PIP = f"{PYTHON} -m pip"
BOTH = "torch==2.8.0+cu129 torchvision==0.23.0+cu129"


@pytest.mark.parametrize(
    ("where", "name", "told"),
    [
        (place(), "pip", f"{UV} {BOTH} --default-index {URL}"),
        (place("uv", pip=""), "uv", f"{UV} {BOTH} --default-index {URL}"),
        (place(tools=()), "pip", f"{PIP} install {BOTH} --index-url {URL}"),
        (place(pip_alone="`pre`"), "pip", f"{PIP} install {BOTH} --index-url {URL}"),
        (place("uv", tools=()), "uv", f"{PIP} install {BOTH} --index-url {URL}"),
        (place("uv", pip_alone="`pre`"), "uv", f"{UV} {BOTH} --default-index {URL}"),
    ],
    ids=["pip", "uv", "no uv", "pip is told more", "pip for uv", "uv asks nobody"],
)
def test_who_installs(where: Place, name: str, told: str) -> None:
    assert runs(where, name) == [told]


def test_why_it_is_the_other_one_is_said() -> None:
    wanted = option("pip", "cu129", URL)
    assert "pip installs, not uv: it is told `pre`" in transactions.made(wanted, place(pip_alone="`pre`"), {}).notes
    assert "uv is not at hand: pip installs" in transactions.made(option("uv", "cu129", URL), place("uv", tools=()), {}).notes


@pytest.mark.parametrize(
    "where", [place("uv", pip="", tools=()), place(pip="", pip_alone="`pre`")], ids=["neither", "uv does not know"]
)
def test_where_nobody_can_install_it_says_how_to_get_pip(where: Place) -> None:
    with pytest.raises(CannotDo, match=f"`{PYTHON} -m ensurepip` gives it one"):
        runs(where)


def test_no_other_index_than_the_one_that_is_named_is_asked_for_torch() -> None:
    """What is configured besides would be asked too: pip's extra indexes, uv's further ones."""
    made = transactions.made(option("pip", "cu129", URL, Pin("numpy", "1.26.4")), place(), {})
    assert [dict(run.variables) for run in made.runs] == [
        {"TORCHSMITH_SETTINGS_OF": "pip", "UV_INDEX": URL, "UV_INDEX_STRATEGY": "first-index"},
        {"TORCHSMITH_SETTINGS_OF": "pip"},
    ]
    by_pip = transactions.made(option("pip", "cu129", URL, Pin("numpy", "1.26.4")), place(tools=(), pip="26.3"), {})
    assert [dict(run.variables) for run in by_pip.runs] == [
        {"PIP_PROGRESS_BAR": "raw", "PIP_EXTRA_INDEX_URL": URL},
        {"PIP_PROGRESS_BAR": "raw"},
    ]
    of_uv = transactions.made(option("uv", "cu129", None), place("uv"), {})
    assert all(not run.variables for run in of_uv.runs)


def test_what_comes_from_elsewhere_or_is_built_names_torch_again() -> None:
    assert runs(place(), "pip", "cu129", URL, Pin("numpy", "1.26.4"), Pin("flash-attn", "2.8.3"))[1:] == [
        f"{UV} numpy==1.26.4 torch==2.8.0+cu129",
        f"{UV} setuptools wheel packaging ninja psutil",
        f"{UV} --no-build-isolation flash-attn==2.8.3 torch==2.8.0+cu129",
    ]


def test_the_same_release_of_the_default_index_is_installed_again() -> None:
    """Without a label an installer takes any build for it."""
    assert runs(place(), "pip", "cu126", None) == [
        f"{UV} --reinstall-package torch --reinstall-package torchvision torch==2.8.0 torchvision==0.23.0"
    ]
    assert runs(place(tools=()), "pip", "cu126", None) == [
        f"{PIP} uninstall -y torch torchvision",
        f"{PIP} install torch==2.8.0 torchvision==0.23.0",
    ]


def test_a_cpu_build_lets_all_cuda_wheels_of_torch_go() -> None:
    where = place(
        "pip", "2.8.0+cu128", package("nvidia-cublas-cu12", "12.8.4"), package("triton", "3.4"), package("cupy-cuda12x", "13")
    )
    torch = f"{SITE}/torch-2.8.0+cu128.dist-info/METADATA"
    files = {
        torch: "Name: torch\nRequires-Dist: nvidia_cublas-cu12 (==12.8.4); sys_platform == 'linux'\nRequires-Dist: triton==3.4\n"
    }
    wanted = option("pip", "cpu", "https://torch.example/whl/cpu")
    assert torch in transactions.wanted(wanted, where, {})
    kept = transactions.made(wanted, where, files)
    assert [run.argv[2] for run in kept.runs] == ["install"]
    assert "the CUDA 12 wheels stay: cupy-cuda12x may load them" in kept.notes
    alone = replace(where, packages=Packages(tuple(p for p in where.packages.installed if p.name != "cupy-cuda12x")))  # type: ignore[union-attr]
    gone = transactions.made(wanted, alone, files)
    assert gone.runs[0].argv == ("uv", "pip", "uninstall", "--python", PYTHON, "nvidia-cublas-cu12", "triton")
    assert gone.expected.absent == ("nvidia-cublas-cu12",)
    assert transactions.wanted(option("pip", "cu129", URL), where, {}) == ()


def test_a_new_environment_is_made_by_the_python_that_is_meant() -> None:
    fresh = place(fresh=True, tools=(("uv", "0.13.8"),))
    venv = transactions.made(option("uv", "cu129", URL), replace(fresh, environment=None), {}).environment
    assert venv
    assert venv.create == ("uv", "venv", "--python", PYTHON, "/home/me/app/.venv-torch")
    other = replace(option("uv", "cu129", URL).candidate, python="3.12")
    venv = transactions.made(replace(option("pip", "cu129", URL), candidate=other), place(), {}).environment
    assert venv
    assert venv.create == ("uv", "venv", "--seed", "--python", "3.12", "/home/me/app/.venv-torch")
    venv = transactions.made(replace(option("pip", "cu129", URL), candidate=other), place(tools=(), os="windows"), {}).environment
    assert venv
    assert venv.create[:4] == ("py", "-3.12", "-m", "venv")
    assert venv.python.endswith(r"\Scripts\python.exe")


def test_an_update_without_a_torch_holds_nothing() -> None:
    empty = replace(place(goal=transactions.UPDATE_OTHERS), packages=Packages((package("numpy", "2.1.2"),)))
    with pytest.raises(CannotDo, match="nothing to hold"):
        runs(empty)
    alone = place(goal=transactions.UPDATE_OTHERS)
    assert transactions.made(option("pip", "cu129", URL), alone, {}).empty


@pytest.mark.parametrize("line", ["-e .", "--editable ./part", "./wheels/mine.whl", "."])
def test_a_folder_that_the_requirements_install_is_refused_with_its_line(line: str) -> None:
    project = PastedProject(manager="pip", folder="/home/me/app", files=("requirements.txt",))
    where = place(fresh=True, project=project)
    wanted = option("uv", "cu129", URL)
    assert "/home/me/app/requirements.txt" in transactions.wanted(wanted, where, {})
    with pytest.raises(CannotDo, match=r"`requirements\.txt`, line 2, installs a folder"):
        transactions.made(wanted, where, {"/home/me/app/requirements.txt": f"numpy\n{line}\n"})
    made = transactions.made(wanted, where, {"/home/me/app/requirements.txt": "numpy\n# -e .\n"})
    assert made.runs[-1].argv[-4:] == ("-r", "/home/me/app/requirements.txt", "torch==2.8.0+cu129", "torchvision==0.23.0+cu129")
    assert [path for path, _ in made.rests_on] == ["/home/me/app/requirements.txt"]
