"""Versions of libraries that stand against another file of the same name; of nothing else, for reading them takes time."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.libraries import LibraryVersion, LibraryVersions, LoadedLibraries, TorchLibraries
from torchsmith.model.known import Fact, Known

_CUDNN = re.compile(r"libcudnn(?:_\w+)?\.so\.(\d+)")
_BESIDE = {"8": "libcudnn_ops_infer.so.8", "9": "libcudnn_graph.so.9"}
_NUMBERED = re.compile(r".+\.so\.(\d+(?:\.\d+)+)")


@probe
def library_versions(host: Host, loaded_libraries: LoadedLibraries, torch_libraries: TorchLibraries) -> Fact[LibraryVersions]:
    """By a symbol in cuDNN's parts, else by the full name behind a link (``libcublas.so.12.1.3.1``)."""
    windows = {found.path: found.version for found in torch_libraries.objects if found.version}
    found = []
    for loaded in loaded_libraries.objects:
        for path in (loaded.path, *loaded.others) if loaded.others and loaded.path else ():
            if path in windows:
                found.append(LibraryVersion(path, windows[path] or "", "resource"))
            elif matched := _CUDNN.fullmatch(path.rpartition("/")[2]):
                found += _cudnn(host, path, matched[1])
            elif "/" in path and (version := _full_name(host, path)):
                found.append(LibraryVersion(path, version, "name"))
    return Known(LibraryVersions(tuple(found)), "the files")


def _cudnn(host: Host, path: str, major: str) -> list[LibraryVersion]:
    """What the file says, or for the front library, which says nothing, one of its parts beside it."""
    folder = path.rpartition("/")[0]
    for place in (path, f"{folder}/{_BESIDE.get(major, '')}"):
        answer = host.binary("cudnn", place)
        if isinstance(answer, Known) and answer.value:
            return [LibraryVersion(path, str(answer.value), "symbol")]
    version = _full_name(host, path)
    return [LibraryVersion(path, version, "name")] if version else []


def _full_name(host: Host, path: str) -> str:
    real = host.real(path)
    matched = _NUMBERED.fullmatch(real.value.rpartition("/")[2]) if isinstance(real, Known) else None
    return matched[1] if matched else ""
