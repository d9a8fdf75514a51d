"""The Windows side of ``torch_libraries``: torch's DLLs, what they import, and where such names exist on this machine."""

from __future__ import annotations

from torchsmith.host.base import Host
from torchsmith.model.facts.libraries import LoaderPaths, SharedObject, TorchLibraries
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.paths import normal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

API_SETS = ("api-ms-", "ext-ms-")
RUNTIME = ("msvcp140", "vcruntime140", "vcomp140", "concrt140")
KIND = "pe"


def collect(host: Host, interpreter: Interpreter, torch: Torch, paths: LoaderPaths) -> Fact[TorchLibraries | None]:
    """Describe torch's own DLLs; of every other name that they import, each file that a Windows loader could take.

    Of Windows' own DLLs only their being there is asked, of the Visual C++ runtime the version too.
    """
    lib = normal(f"{torch.folder}/lib")
    names = host.names(lib)
    if isinstance(names, Unknown):
        return names
    own = [f"{lib}/{name}" for name in names.value if name.lower().endswith(".dll")]
    modules = host.names(torch.folder)
    listed = modules.value if isinstance(modules, Known) else []
    tag = interpreter.tag
    own += [
        f"{normal(torch.folder)}/{n}"
        for n in listed
        if n.startswith("_C.") and n.endswith(".pyd") and (tag in n or ".cp" not in n)
    ]
    objects, unread = [], []
    for path in own:
        answer = host.binary("shared", path)
        if isinstance(answer, Known):
            objects.append(parse(path, answer.value))
        else:
            unread.append(path)
    present = {found.name.lower() for found in objects}
    wanted = dict.fromkeys(name for found in objects for name in found.needed if name.lower() not in present)
    for name in wanted:
        if not name.lower().startswith(API_SETS):
            objects += _candidates(host, name, paths)
    return Known(TorchLibraries(tuple(objects), tuple(o for o in own if o not in unread), unread=tuple(unread)), lib)


def parse(path: str, answer: dict[str, Any]) -> SharedObject:
    """A DLL of the reader's answer; delay-loaded ones are not needed for loading."""
    return SharedObject(path, KIND, needed=tuple(answer.get("needed") or ()), version=answer.get("file_version"))


def _candidates(host: Host, name: str, paths: LoaderPaths) -> list[SharedObject]:
    """The files of this name, by the folders of the loader, PATH last and only if nothing else has it."""
    found = []
    for folder in paths.default:
        path = f"{folder}/{name}"
        if not host.exists(path):
            continue
        runtime = name.lower().startswith(RUNTIME)
        answer = host.binary("shared", path) if runtime or folder != paths.system else None
        described = parse(path, answer.value) if isinstance(answer, Known) else SharedObject(path, KIND)
        found.append(described if folder != paths.system else SharedObject(path, KIND, version=described.version))
    if not found:
        found = [SharedObject(p, KIND) for folder in paths.library_path if host.exists(p := f"{folder}/{name}")][:1]
    return found
