"""Golden commands: what each manager calls the same action.

Those of pip, uv, Poetry, PDM and pipx are what test_real_tools.py gives to the real tools. Those of conda, pixi and Nix have not
been run: only the version specs among them were matched by the library that pixi is made of.
"""

import pytest

from torchsmith.managers.advice import adapted
from torchsmith.managers.base import CannotDo, by_hand, commands
from torchsmith.model.action import Action, Command, Install, InstallTorch, SetVariable, Uninstall, UnsetVariable
from torchsmith.model.facts.python import Environment, Interpreter
from torchsmith.model.finding import Remedy, Safety
from torchsmith.model.record import replace

Commands = tuple[tuple[str, ...], ...]

URL = "https://download.pytorch.org/whl/cu126"
TORCH = InstallTorch("2.8.0", "cu126", URL, (("torchvision", "0.23.0"),))
DEFAULT = InstallTorch("2.14.1", "cu130", None)
ROCM = InstallTorch("2.8.0", "rocm6.4", URL)
CPU = InstallTorch("2.8.0", "cpu", "https://download.pytorch.org/whl/cpu")
NUMPY = Install(("numpy<2",))
AGAIN = Install(("nvidia-cudnn-cu12==9.10.2.21",), reinstall=True)
TORCH_AGAIN = Install(("torch==2.8.0+cu126",), URL, reinstall=True)
OLDER = Install(("torch==2.2.2", "numpy<2"))
INDEXED = Install(("xformers==0.0.32",), URL)
REMOVE = Uninstall(("torch", "torchvision"))
STRAY = Uninstall(("nvidia-cudnn-cu11", "xformers"))
PYTHON = Interpreter("/e/bin/python", "3.12.4", "/e", "/usr", 64, "x86_64", "linux", "venv", (), ("/e/lib",))

PIP = ("/e/bin/python", "-m", "pip")
UV = ("uv", "pip", "install", "--python", "/e/bin/python")
CONDA = ("conda", "install", "-p", "/e", "-c", "conda-forge")
PINNED = ("torch==2.8.0+cu126", "torchvision==0.23.0+cu126")

GOLDEN: list[tuple[str, Action, Commands]] = [
    ("pip", TORCH, ((*PIP, "install", *PINNED, "--index-url", URL),)),
    ("pip", DEFAULT, ((*PIP, "uninstall", "-y", "torch"), (*PIP, "install", "torch==2.14.1"))),
    ("pip", NUMPY, ((*PIP, "install", "numpy<2"),)),
    ("pip", AGAIN, ((*PIP, "install", "--force-reinstall", "--no-deps", *AGAIN.requirements),)),
    ("pip", REMOVE, ((*PIP, "uninstall", "-y", "torch", "torchvision"),)),
    ("uv", TORCH, ((*UV, *PINNED, "--default-index", URL),)),
    (
        "uv",
        InstallTorch("2.14.1", "cu130", None, (("torchvision", "0.29.1"),)),
        ((*UV, "--reinstall-package", "torch", "--reinstall-package", "torchvision", "torch==2.14.1", "torchvision==0.29.1"),),
    ),
    ("uv", AGAIN, ((*UV, "--reinstall", "--no-deps", *AGAIN.requirements),)),
    ("uv", NUMPY, ((*UV, "numpy<2"),)),
    ("uv", REMOVE, (("uv", "pip", "uninstall", "--python", "/e/bin/python", "torch", "torchvision"),)),
    (
        "uv-project",
        TORCH,
        (("uv", "add", "--frozen", "--index", f"pytorch-cu126={URL}", *PINNED), ("uv", "sync", "--inexact")),
    ),
    ("uv-project", DEFAULT, (("uv", "add", "torch==2.14.1"),)),
    ("uv-project", NUMPY, (("uv", "add", "numpy<2"),)),
    ("uv-project", AGAIN, (("uv", "sync", "--inexact", "--reinstall-package", "nvidia-cudnn-cu12"),)),
    ("uv-project", TORCH_AGAIN, (("uv", "sync", "--inexact", "--reinstall-package", "torch"),)),
    (
        "uv-project",
        STRAY,
        (("uv", "pip", "uninstall", "--python", "/e/bin/python", "nvidia-cudnn-cu11"), ("uv", "remove", "xformers")),
    ),
    ("uv-project", REMOVE, (("uv", "remove", "torch", "torchvision"),)),
    (
        "poetry",
        TORCH,
        (
            ("poetry", "source", "add", "--priority", "explicit", "pytorch-cu126", URL),
            ("poetry", "add", "--source", "pytorch-cu126", *PINNED),
        ),
    ),
    ("poetry", DEFAULT, (("poetry", "add", "torch==2.14.1"),)),
    ("poetry", NUMPY, (("poetry", "add", "numpy<2"),)),
    ("poetry", AGAIN, ((*PIP, "install", "--force-reinstall", "--no-deps", *AGAIN.requirements),)),
    ("poetry", STRAY, ((*PIP, "uninstall", "-y", "nvidia-cudnn-cu11"), ("poetry", "remove", "xformers"))),
    ("poetry", REMOVE, (("poetry", "remove", "torch", "torchvision"),)),
    ("pdm", TORCH, (("pdm", "add", *PINNED),)),
    ("pdm", AGAIN, (("pdm", "sync", "--reinstall"),)),
    ("pdm", DEFAULT, (("pdm", "add", "torch==2.14.1"),)),
    ("pdm", NUMPY, (("pdm", "add", "numpy<2"),)),
    ("pdm", REMOVE, (("pdm", "remove", "torch", "torchvision"),)),
    ("conda", TORCH, ((*CONDA, "pytorch=2.8.*=*cuda*", "cuda-version<=12.6", "torchvision"),)),
    ("conda", CPU, ((*CONDA, "pytorch=2.8.*=*cpu*"),)),
    ("conda", NUMPY, ((*CONDA, "numpy<2"),)),
    ("conda", OLDER, ((*CONDA, "pytorch==2.2.2", "numpy<2"),)),
    ("conda", AGAIN, ((*PIP, "install", "--force-reinstall", "--no-deps", *AGAIN.requirements),)),
    ("conda", STRAY, ((*PIP, "uninstall", "-y", "nvidia-cudnn-cu11"), ("conda", "remove", "-p", "/e", "xformers"))),
    ("conda", REMOVE, (("conda", "remove", "-p", "/e", "pytorch", "torchvision"),)),
    (
        "pixi",
        TORCH,
        (
            ("pixi", "workspace", "system-requirements", "add", "cuda", "12.6"),
            ("pixi", "add", "pytorch=2.8.*=*cuda*", "cuda-version<=12.6", "torchvision"),
        ),
    ),
    ("pixi", NUMPY, (("pixi", "add", "numpy<2"),)),
    ("pixi", AGAIN, (("pixi", "reinstall", "nvidia-cudnn-cu12"),)),
    ("pixi", REMOVE, (("pixi", "remove", "pytorch", "torchvision"),)),
    ("pipx", NUMPY, (("pipx", "runpip", "e", "install", "numpy<2"),)),
    ("unheard-of", NUMPY, ((*PIP, "install", "numpy<2"),)),
]


@pytest.mark.parametrize(("manager", "action", "expected"), GOLDEN)
def test_commands(manager: str, action: Action, expected: Commands) -> None:
    assert commands(action, Environment("venv", manager), PYTHON, windows=False) == expected


@pytest.mark.parametrize(
    ("manager", "action"),
    [
        ("poetry", ROCM),
        ("uv-project", ROCM),
        ("pdm", ROCM),
        ("pdm", STRAY),
        ("pixi", STRAY),
        ("conda", INDEXED),
        ("conda", ROCM),
        ("pixi", INDEXED),
        ("nix", NUMPY),
    ],
)
def test_what_a_manager_cannot_do_it_says(manager: str, action: Action) -> None:
    with pytest.raises(CannotDo):
        commands(action, Environment("venv", manager), PYTHON, windows=False)
    remedy = adapted(Remedy("do it", actions=(action,)), Environment("venv", manager), PYTHON, windows=False)
    assert remedy.commands == ()
    assert remedy.safety is Safety.DISPLAY_ONLY
    assert remedy.why


@pytest.mark.parametrize("action", [TORCH, INDEXED])
@pytest.mark.parametrize(("manager", "said"), [("uv-project", "explicit = true"), ("pdm", 'exclude_packages = ["*"]')])
def test_what_has_to_be_written_by_hand_stands_beside_the_commands(manager: str, said: str, action: Action) -> None:
    remedy = adapted(Remedy("do it", "for a reason", actions=(action,)), Environment("venv", manager), PYTHON, windows=False)
    assert remedy.commands
    assert remedy.safety is Safety.DISPLAY_ONLY
    assert remedy.why.startswith("for a reason; ")
    assert said in remedy.why


@pytest.mark.parametrize("manager", ["pip", "uv", "uv-project", "poetry", "pdm", "conda", "pixi", "pipx"])
@pytest.mark.parametrize("action", [DEFAULT, NUMPY, AGAIN, TORCH_AGAIN, REMOVE])
def test_nothing_is_written_by_hand_where_no_index_is_bound(manager: str, action: Action) -> None:
    assert by_hand(action, Environment("venv", manager)) == ""


@pytest.mark.parametrize("manager", ["pip", "uv", "uv-project", "poetry", "pdm", "conda", "pixi", "pipx", "nix"])
def test_the_shells_own_business_is_alike_everywhere(manager: str) -> None:
    environment = Environment("venv", manager)
    assert commands(UnsetVariable("PYTHONPATH"), environment, PYTHON, windows=False) == (("unset", "PYTHONPATH"),)
    assert commands(SetVariable("A", "1"), environment, PYTHON, windows=True) == (("Set-Item", "Env:A", "1"),)
    assert commands(Command(("reboot",)), environment, PYTHON, windows=False) == (("reboot",),)


def test_the_systems_python_is_left_alone() -> None:
    environment = Environment("system", "pip", changeable=False, why_not="its Python belongs to the operating system")
    system = replace(PYTHON, executable="/usr/bin/python3", prefix="/usr", kind="system")
    remedy = adapted(Remedy("Install", actions=(TORCH,)), environment, system, windows=False)
    assert remedy.safety is Safety.DISPLAY_ONLY
    assert remedy.commands == (
        ("/usr/bin/python3", "-m", "venv", ".venv"),
        (".venv/bin/python", "-m", "pip", "install", *PINNED, "--index-url", URL),
    )


def test_condas_base_is_left_alone() -> None:
    environment = Environment("conda", "conda", changeable=False, why_not="this is conda's base environment")
    remedy = adapted(Remedy("Install", actions=(NUMPY,)), environment, PYTHON, windows=False)
    assert remedy.commands == (
        ("conda", "create", "-n", "torch", "python=3.12"),
        ("conda", "install", "-p", "/e/envs/torch", "-c", "conda-forge", "numpy<2"),
    )
