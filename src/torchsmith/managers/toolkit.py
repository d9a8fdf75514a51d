"""A CUDA toolkit beside the wheels, for what is compiled: named by variables of one shell, or of the user.

Torch itself takes nothing from it. What compiles against torch looks at CUDA_HOME first, so PATH need not change.
"""

from __future__ import annotations

from torchsmith.managers import approaches, places
from torchsmith.model.action import SetVariable
from torchsmith.model.choice import Steps
from torchsmith.model.versions import compute_capability, key, minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.base import Commands
    from torchsmith.model.choice import Option, Place


def steps(option: Option, place: Place) -> Steps:
    """Torch by what manages the environment, then the variables."""
    wheels = Steps() if places.nothing_to_do(option, place) else approaches.of_environment(place).steps(option, place)
    cuda = minor(option.candidate.cuda or "")
    at = root(cuda, place)
    values = {"CUDA_HOME": at, "TORCH_CUDA_ARCH_LIST": arch_list(place)}
    if option.approach.name == "user-path":
        values = {"CUDA_HOME": at} | ({"CUDA_PATH": at} if place.shell == "powershell" else {})
        made, told = _for_the_user(values, place)
    else:
        made = tuple(command for name, value in values.items() if value for command in places.variable(name, value, place))
        told = ("they hold in this shell only: write them where the project's shell starts",)
    typed = tuple(SetVariable(name, value) for name, value in values.items() if value)
    notes = places.notes(wheels.notes, source(cuda, place), told)
    # What is built beside torch has to find the toolkit.
    both = (*made, *wheels.commands) if places.built(option) else (*wheels.commands, *made)
    return Steps((*wheels.actions, *typed), both, wheels.files, notes)


def root(cuda: str, place: Place) -> str:
    """The toolkit of this CUDA that was found, else where its installer puts it."""
    found = next((folder for version, folder in place.toolkits if key(version)[:2] == key(cuda)[:2]), None)
    if found:
        return found
    if place.os == "windows":
        return rf"C:\Program Files\NVIDIA GPU Computing Toolkit\CUDA\v{cuda}"
    return f"/usr/local/cuda-{cuda}"


def source(cuda: str, place: Place) -> tuple[str, ...]:
    """Where the toolkit comes from, if it is not here."""
    if any(key(version)[:2] == key(cuda)[:2] for version, _ in place.toolkits):
        return ()
    others = ", ".join(version for version, _ in place.toolkits if version)
    have = f" (found: {others})" if others else ""
    if place.os == "windows":
        return (f"the CUDA {cuda} toolkit comes from NVIDIA's installer, after Visual Studio's C++ tools{have}",)
    return (
        f"the CUDA {cuda} toolkit comes from NVIDIA's packages or its run file{have}",
        "without root, the run file takes `--silent --toolkit --toolkitpath=FOLDER`; that folder is CUDA_HOME then",
    )


def arch_list(place: Place) -> str:
    """What the extension is compiled for: the GPUs that are here."""
    return ";".join(compute_capability(sm) for sm in sorted(set(place.sms)))


def _for_the_user(values: dict[str, str], place: Place) -> tuple[Commands, tuple[str, ...]]:
    """What keeps the root of the toolkit in every later shell of the user."""
    at = values["CUDA_HOME"]
    if place.shell == "powershell":
        return tuple(_of_windows(name, value) for name, value in values.items()), (
            "open a new shell afterwards",
            "`torchsmith apply` writes the same and takes it back; for `nvcc` alone it also puts its folder into the user's Path",
            "never by setx: that cuts a long Path at 1024 characters",
        )
    if place.shell == "fish":
        return (("set", "-Ux", "CUDA_HOME", at), ("fish_add_path", f"{at}/bin")), ("every shell of this user sees it",)
    return places.variable("CUDA_HOME", at, place), (
        f"to keep it, write `export CUDA_HOME={at}` and `export PATH={at}/bin:$PATH` into ~/.profile: every project sees it",
    )


def _of_windows(name: str, value: str) -> tuple[str, ...]:
    """Not setx, which cuts a long value; programs that run are told of this one too."""
    word = value.replace("/", "\\").replace("'", "''")
    return ("powershell", "-NoProfile", "-Command", f"[Environment]::SetEnvironmentVariable('{name}', '{word}', 'User')")
