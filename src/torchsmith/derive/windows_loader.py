r"""LoadLibraryEx as torch calls it: each DLL of ``torch\lib`` by its path, with the flags 0x1100.

A DLL that is needed is taken from what is loaded already under that name, the folder of the DLL that was asked for, the
folder of python.exe, those that torch adds, System32. PATH counts only in torch's second attempt. ``api-ms-*`` names are
no files: Windows itself answers them.
"""

from __future__ import annotations

from torchsmith.model.facts.libraries import Loaded, LoadedLibraries, LoaderPaths, SharedObject, TorchLibraries

API_SETS = ("api-ms-", "ext-ms-")


def load(paths: LoaderPaths, libraries: TorchLibraries) -> LoadedLibraries:
    """An answer for every name that torch's DLLs need, and all that need it."""
    by_name: dict[str, list[SharedObject]] = {}
    for found in libraries.objects:
        by_name.setdefault(found.name.lower(), []).append(found)
    needed_by: dict[str, list[str]] = {}
    spelled: dict[str, str] = {}
    waiting = [found for found in libraries.objects if found.path in libraries.starts]
    seen: set[str] = set()
    while waiting:
        asker = waiting.pop(0)
        if asker.path in seen:
            continue
        seen.add(asker.path)
        for name in asker.needed:
            low = name.lower()
            if low.startswith(API_SETS):
                continue
            spelled.setdefault(low, name)
            needed_by.setdefault(low, []).append(asker.path)
            waiting += [_first(by_name[low], paths)] if low in by_name else []
    return LoadedLibraries(tuple(_loaded(spelled[low], asking, by_name.get(low, []), paths) for low, asking in needed_by.items()))


def _order(found: SharedObject, paths: LoaderPaths) -> int:
    return paths.default.index(found.folder) if found.folder in paths.default else len(paths.default)


def _first(files: list[SharedObject], paths: LoaderPaths) -> SharedObject:
    return min(files, key=lambda found: _order(found, paths))


def _loaded(name: str, asking: list[str], files: list[SharedObject], paths: LoaderPaths) -> Loaded:
    if not files:
        return Loaded(name, "", "", tuple(dict.fromkeys(asking)))
    taken = _first(files, paths)
    how = "System32" if taken.folder == paths.system else "default" if taken.folder in paths.default else "PATH"
    others = tuple(found.path for found in files if found is not taken)
    return Loaded(name, taken.path, how, tuple(dict.fromkeys(asking)), others=others)
