"""The files that the needs of some objects can be answered with: of an environment, a folder, or a single file."""

from __future__ import annotations

from torchsmith.host.base import Host
from torchsmith.model.facts.libraries import LoaderPaths, TorchLibraries
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.torch import Torch
from torchsmith.model.library_needs import ObjectFiles
from torchsmith.model.paths import normal
from torchsmith.probes.loadable_files import Collector
from torchsmith.probes.torch_libraries import TorchFiles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

LIMIT = 50_000
"""Files that are described at most."""

DRIVER_FOLDERS = ("/usr/lib/wsl/lib",)
"""Where a driver lies that the loader may not know of."""


def collect(
    host: Host, paths: LoaderPaths, objects: Iterable[str], interpreter: Interpreter | None = None, torch: Torch | None = None
) -> ObjectFiles:
    """Describe the objects once each, and all that they, the interpreter and torch could be answered with.

    Without an interpreter the objects are looked at as if a program without search paths of its own opened them.
    """
    files = Collector(host, paths, LIMIT)
    libraries = None
    if interpreter is not None:
        own = TorchFiles(host, interpreter, files)
        own.follow(torch)
    else:
        for folder in paths.library_path:
            files.look_into(folder)
    for folder in DRIVER_FOLDERS:
        files.look_into(folder)
    asked = tuple(dict.fromkeys(map(normal, objects)))
    files.follow(asked)
    files.follow_opened()
    if interpreter is not None:
        libraries = own.found()
    else:
        unread = tuple(path for path, there in files.unread.items() if there)
        libraries = TorchLibraries(tuple(files.objects.values()), (), cache=files.cache, unread=unread)
    return ObjectFiles(libraries, asked, torch is not None)
