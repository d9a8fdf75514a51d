"""Versions of libraries that stand against another file of the same name; of nothing else, for reading them takes time."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.libraries import LibraryVersion, LibraryVersions, LoadedLibraries, TorchLibraries
from torchsmith.model.known import Fact, Known
from torchsmith.model.pattern import pattern

_CUDNN = pattern(r"libcudnn(?:_\w+)?\.so\.(\d+)")
_BESIDE = {"8": "libcudnn_ops_infer.so.8", "9": "libcudnn_graph.so.9"}
_NUMBERED = pattern(r".+\.so\.(\d+(?:\.\d+)+)")
_WHEEL = pattern(r"(?P<site>.+/site-packages)/nvidia/(?P<component>\w+)/lib/[^/]+")


@probe
def library_versions(host: Host, loaded_libraries: LoadedLibraries, torch_libraries: TorchLibraries) -> Fact[LibraryVersions]:
    """By a symbol in cuDNN's parts, by the full name behind a link (``libcublas.so.12.1.3.1``), or by the wheel that has it."""
    resources = {found.path: found.version for found in torch_libraries.objects if found.version}
    contested = [found for found in loaded_libraries.objects if found.others and found.path]
    paths = dict.fromkeys(path for found in contested for path in (found.path, *found.others))
    return Known(LibraryVersions(tuple(_version(host, path, resources.get(path)) for path in paths)), "the files")


def _version(host: Host, path: str, resource: str | None) -> LibraryVersion:
    if resource:
        return LibraryVersion(path, resource, "resource", path)
    answer = host.real(path)
    real = answer.value if isinstance(answer, Known) else path
    if matched := _CUDNN.fullmatch(path.rpartition("/")[2]):
        # the front library says nothing of itself, its parts beside it do
        for place in (path, f"{path.rpartition('/')[0]}/{_BESIDE.get(matched[1], '')}"):
            symbol = host.binary("cudnn", place)
            if isinstance(symbol, Known) and symbol.value:
                return LibraryVersion(path, str(symbol.value), "symbol", real)
    if named := _NUMBERED.fullmatch(real.rpartition("/")[2]):
        return LibraryVersion(path, named[1], "name", real)
    if wheel := _WHEEL.fullmatch(real):
        version = _of_wheel(host, wheel["site"], wheel["component"])
        return LibraryVersion(path, version, "wheel" if version else "", real)
    return LibraryVersion(path, "", "", real)


def _of_wheel(host: Host, site: str, component: str) -> str:
    """The version of the one wheel in ``site`` whose name goes with the folder: ``nvidia_nvjitlink_cu12-12.4.127.dist-info``."""
    names = host.names(site)
    pattern = re.compile(rf"nvidia_{re.escape(component)}(?:_cu\d+)?-([\d.]+)\.dist-info")
    found = {m[1] for name in (names.value if isinstance(names, Known) else []) if (m := pattern.fullmatch(name))}
    return found.pop() if len(found) == 1 else ""
