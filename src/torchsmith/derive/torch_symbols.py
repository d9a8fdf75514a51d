"""What an extension needs of torch and does not get, and the torch that it was built for."""

from __future__ import annotations

from torchsmith.knowledge import torch_symbols
from torchsmith.model.binding import TorchSymbols
from torchsmith.model.mangled import readable
from torchsmith.model.pattern import pattern
from torchsmith.model.versions import key, public

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from torchsmith.model.binding import Binding
    from torchsmith.model.inspection import Need

_TORCH = pattern(
    r"(?:lib)?(?:c10|torch)(?:_\w+)?\.(?:so|dll|dylib)|libaoti_custom_ops\.so",
)
_MICROSOFT = pattern(r"\?.*@(?:at|c10|torch|caffe2)@@.*")
_PYTHON = pattern(r"_?Py[A-Z_]\w*")
SHOWN = 3


def uses_torch(needed: Iterable[str]) -> bool:
    """Whether these libraries (names as in the file) have torch's among them."""
    return any(_TORCH.fullmatch(name.lower()) for name in needed)


def scope(path: str, needs: Mapping[str, Sequence[Need]], interpreter: Iterable[str] = ()) -> tuple[str, ...]:
    """The files that are searched for the symbols of the extension at ``path``, in the order of the loader.

    ``needs`` says for each file what answers its names; ``interpreter`` is the program with the libraries that it loads.
    """
    found = dict.fromkeys(interpreter)
    waiting = [path]
    seen = {path}
    while waiting:
        waiting = [after for each in waiting for after in _answers(needs.get(each, ())) if after not in seen]
        waiting = list(dict.fromkeys(waiting))
        seen.update(waiting)
        found |= dict.fromkeys(waiting)
    return tuple(found)


def judge(
    binding: Binding,
    installed: str | None,
    *,
    cxx11: bool | None = None,
    torch_cxx11: bool | None = None,
    whole: bool = True,
) -> TorchSymbols | None:
    """Say what the binding of an extension that uses torch means; None where it finds everything.

    ``installed`` is the version of torch; ``cxx11`` and ``torch_cxx11`` say which ``std::string`` the extension and torch take.
    Where the scope was not the ``whole`` of what the loader would search, or a library could not be read, only symbols that
    are torch's by their names count.
    """
    certain = whole and not binding.unread
    missing = [one for one in binding.missing if certain or _is_torchs(one.name)]
    if binding.lacking:
        first = binding.lacking[0]
        message = f"ImportError: {first.library}: version `{first.version}' not found (required by {binding.path})"
        return TorchSymbols((), (), (), message, f"it was built on a newer system: {first.library} has no {first.version}")
    if not missing:
        return None
    names = tuple(one.name for one in missing)
    first_version = f", version {missing[0].version}" if missing[0].version else ""
    message = f"ImportError: {binding.path}: undefined symbol: {names[0]}{first_version}"
    if missing[0].library.lower().endswith(".dll"):
        module = binding.path.replace("\\", "/").rpartition("/")[2].partition(".")[0]
        message = f"ImportError: DLL load failed while importing {module}: The specified procedure could not be found."
    table = torch_symbols.load()
    torchs = [name for name in names if _is_torchs(name)]
    listed = [name for name in torchs if torch_symbols.covers(name)]
    releases = tuple(release for release in table.common(listed) if not installed or public(release) != public(installed))
    why = _why(torchs, names, releases, table, installed, cxx11 is not None and torch_cxx11 not in {None, cxx11})
    return TorchSymbols(names, tuple(readable(name) for name in names), releases, message, why)


def known() -> tuple[str, ...]:
    """The releases that the table knows, oldest first."""
    return torch_symbols.load().releases


def ranges(releases: Sequence[str], known: Sequence[str]) -> str:
    """Releases as people say them: ``2.5 to 2.7 and 2.9``; the table knows the last patch release of each."""
    runs: list[list[str]] = []
    for release in releases:
        if runs and known.index(release) == known.index(runs[-1][-1]) + 1:
            runs[-1].append(release)
        else:
            runs.append([release])
    said = [_minor(run[0]) if len(run) == 1 else f"{_minor(run[0])} to {_minor(run[-1])}" for run in runs]
    return ", ".join(said[:-1]) + (" and " if said[1:] else "") + said[-1] if said else ""


def _why(
    torchs: Sequence[str],
    names: Sequence[str],
    releases: Sequence[str],
    table: torch_symbols.Symbols,
    installed: str | None,
    other_abi: bool,
) -> str:
    here = f"torch {installed}" if installed else "the installed torch"
    if not torchs:
        kind = "this Python" if all(_PYTHON.fullmatch(name) for name in names) else "any library that would be loaded"
        return f"{_listed(names)} {'is' if len(names) == 1 else 'are'} not offered by {kind}"
    lacks = f"{here} lacks {_listed(torchs)}"
    if other_abi:
        lacks += "; the two were built with different C++ ABIs (_GLIBCXX_USE_CXX11_ABI)"
    if releases:
        export = (
            "exports: the extension was built for it"
            if len(releases) == 1
            else "export: the extension was built for one of these"
        )
        return f"{lacks}, which torch {ranges(releases, table.releases)} {export}"
    some = [release for release in table.releases if any(release in table.exporters(name) for name in torchs)]
    if some:
        return f"{lacks}; no single release has all of it, parts are in torch {ranges(some, table.releases)}"
    newest = table.releases[-1]
    if installed and key(public(installed)) < key(newest):
        return f"{lacks}, and no release from {table.releases[0]} to {newest} is known to export it"
    return f"{lacks}, and no release up to {newest} is known to export it: built for a newer one, or for another build of it"


def _listed(names: Sequence[str]) -> str:
    shown = list(dict.fromkeys(readable(name) for name in names))
    return ", ".join(shown[:SHOWN]) + (f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else "")


def _is_torchs(name: str) -> bool:
    return torch_symbols.is_torchs(name) or bool(_MICROSOFT.fullmatch(name))


def _answers(needs: Iterable[Need]) -> Iterator[str]:
    for need in needs:
        answer = need.found or need.after_torch
        if answer and not need.optional:
            yield answer


def _minor(release: str) -> str:
    return ".".join(release.split(".")[:2])
