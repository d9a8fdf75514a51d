"""The installer finds no such version: by Python, by processor, by system, by an index that does not serve it?

The list that pip prints is evidence: it begins and ends where the wheels for this Python and this system do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.knowledge import torch_builds, torch_pythons, torch_releases
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.model.versions import key, local_label, public
from torchsmith.rules.readings.places import on_mac

_FAMILY = ("torch", "torchvision", "torchaudio")
_ANCIENT = key("0.4.0")  # before it there are source archives only, which pip lists for every Python
_ASKED = re.compile(r"(?:===?|>=|~=|<=|<|>)?\s?(\d[\w.]{0,30}(?:\+[\w.]{1,20})?)")


@reading("from-versions")
def listed(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """By the list, the asked version, Python, system and index."""
    name = complaint.captured.get("name", "").lower()
    versions = tuple(found for text in complaint.captured.get("versions", "").split(",") if key(found := text.strip()))
    asked = _version(complaint.captured.get("spec", ""))
    if name in _FAMILY:
        yield from _torch(name, asked, versions, seen, complaint.captured.get("spec") or "")
    else:
        yield from _other(name, asked, versions, seen)


@reading("no-matching-distribution")
def unlisted(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """The same without the list: less sure."""
    spec = complaint.captured.get("spec") or ""
    for pointer in _torch(complaint.captured["name"].lower(), _version(spec), (), seen, spec):
        yield Pointer(pointer.cause, pointer.sure * 0.85)


@reading("wheel-not-for-platform", "poetry-no-candidates", "uv-no-such-version")
def no_candidate(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Named by uv or Poetry: one release, no list."""
    captured = complaint.captured
    name = captured.get("name") or captured.get("uvname") or ""
    asked = captured.get("asked") or captured.get("other") or ""
    label, python = local_label(asked), _python(seen)
    if on_mac(seen) and name in _FAMILY and label.startswith("cu"):
        # A project that names the index meant it for other machines.
        meant = seen.has("sources-table", "pytorch-index-named")
        yield Pointer("wrong-index-for-platform", 0.65 if meant else 0.5)
        yield Pointer("platform-has-no-wheel", 0.5 if meant else 0.65)
    elif name not in _FAMILY:
        yield Pointer("python-version-unsupported", 0.45)
        yield Pointer("platform-has-no-wheel", 0.45)
    elif (wrong := list(_never_published(name, asked, seen))) and complaint.signature != "wheel-not-for-platform":
        yield from wrong
    elif _intel_mac(seen) and key(asked) > key(torch_pythons.LAST_INTEL_MAC):
        yield from _mac(asked, seen)
    elif name == "torch" and python and torch_pythons.serves(asked, python, _platform(seen)) is False:
        yield Pointer("python-version-unsupported", 0.92)
    elif complaint.signature == "uv-no-such-version":
        yield Pointer("index-not-configured", 0.5 if label else 0.3)
        yield Pointer("nonexistent-index", 0.4 if label else 0.2)
        yield Pointer("python-version-unsupported", 0.2)
    else:
        fits = name == "torch" and python and torch_pythons.serves(asked, python, _platform(seen))
        # A CPU label exists for every system but a Mac; who asks for CUDA has Windows or Linux, and then it is the Python.
        elsewhere = fits or label == "cpu"
        yield Pointer("python-version-unsupported", 0.2 if elsewhere else 0.5 if label else 0.65)
        yield Pointer("platform-has-no-wheel", 0.65 if elsewhere else 0.45 if label else 0.35)


@reading("uv-python-tag")
def python_tag(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """A labelled build on a Mac has no wheel for any Python; Poetry says so of the Python all the same."""
    del complaint
    asked = seen.captured("asked", "poetry-no-candidates", "wheel-not-for-platform")
    name, python = seen.captured("name", "poetry-no-candidates", "wheel-not-for-platform"), _python(seen)
    if seen.os == "macos" and local_label(asked):
        yield Pointer("platform-has-no-wheel", 0.8)
        yield Pointer("python-version-unsupported", 0.3)
    elif seen.os in {"", "macos"} and name == "torch" and python and torch_pythons.serves(asked, python, "macos-arm64"):
        # Every system but one has this release for this Python, which is thus not what is missing.
        yield Pointer("macos-x86-dropped", 0.6)
        yield Pointer("python-version-unsupported", 0.5)
    else:
        yield Pointer("python-version-unsupported", 0.93)


@reading("uv-platform-tag")
def platform_tag(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Which system the wheels are not for."""
    tag = complaint.captured.get("mine") or complaint.captured.get("tag") or ""
    if ("macos" in tag and "x86_64" in tag) or (not tag and _intel_mac(seen)):
        yield Pointer("macos-x86-dropped", 0.93)
        return
    yield Pointer("platform-has-no-wheel", 0.7)
    yield Pointer("wrong-index-for-platform", 0.4)


@reading("not-a-supported-wheel")
def unsupported_wheel(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """The file's own tags against the Python and the system here."""
    wheel, tag, platform = (complaint.captured[group] for group in ("wheel", "tag", "platform"))
    python, machine = _python(seen), seen.value("machine")
    needed, here = _glibc_of(platform), _glibc(seen)
    of_system = {"win": "windows", "mac": "macos", "man": "linux", "lin": "linux"}.get(platform[:3], "")
    if _bits(seen) == 32:
        yield Pointer("python-32bit", 0.9)
    elif "nv2" in wheel or seen.has("jetson-named"):
        yield Pointer("jetson-wheel-jetpack-mismatch", 0.7)
        yield Pointer("python-version-unsupported", 0.4)
    elif needed and here and key(here) < key(needed):
        yield Pointer("glibc-too-old", 0.92)
    elif machine and of_system and machine.os != of_system:
        yield Pointer("platform-has-no-wheel", 0.7)
        yield Pointer("wrong-index-for-platform", 0.4)
    elif python and tag.startswith("cp") and python.replace(".", "") != tag[2:]:
        yield Pointer("python-version-unsupported", 0.92)
    else:
        yield Pointer("python-version-unsupported", 0.75)
        yield Pointer("platform-has-no-wheel", 0.2)
        yield Pointer("python-32bit", 0.12)


@reading("procedure-not-found")
def procedure(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Torch for Windows needs functions that the first release of Python 3.6 did not have."""
    del complaint
    interpreter = seen.value("interpreter")
    if interpreter and interpreter.version == "3.6.0":
        yield Pointer("python-version-unsupported", 0.85)
    else:
        yield Pointer("torchvision-mismatch", 0.35)
        yield Pointer("conflicting-dll-on-path", 0.35)


def _torch(name: str, asked: str, versions: tuple[str, ...], seen: Seen, spec: str) -> Iterator[Pointer]:
    # The download page gave ``===`` to Windows only.
    windows, pinned = "===" in spec, spec.startswith("==")
    label = local_label(asked)
    real = [version for version in versions if key(version) >= _ANCIENT]
    mac = seen.os == "macos"
    wrong = list(_never_published(name, asked, seen))
    if _bits(seen) == 32:
        yield Pointer("python-32bit", 0.95)
    elif wrong and not mac:
        yield from wrong
    elif real:
        yield from _by_list(name, asked, label, real, seen)
    elif (mac or _platform(seen) == "linux-aarch64") and _not_for(_platform(seen), label or _index(seen)):
        yield Pointer("wrong-index-for-platform", 0.6)
        yield Pointer("platform-has-no-wheel", 0.5)
    elif name == "torch" and asked and _python(seen) and torch_pythons.serves(asked, _python(seen), _platform(seen)) is False:
        yield Pointer("python-version-unsupported", 0.93)
    elif _intel_mac(seen) and (not asked or key(public(asked)) > key(torch_pythons.LAST_INTEL_MAC)):
        yield from _mac(asked, seen)
    else:
        yield from _empty(name, asked, versions, seen, windows=windows or seen.os == "windows", pinned=pinned)


def _never_published(name: str, asked: str, seen: Seen) -> Iterator[Pointer]:
    """A label or an index that never existed, or not for this release."""
    label = local_label(asked)
    known = torch_builds.labels()
    newest = max(key(text.removeprefix("cu")) for text in known if text.startswith("cu"))
    # A label above the newest known one may have come since.
    unknown = [text for text in (label, _index(seen)) if re.fullmatch(r"cu\d{2,3}", text) and text not in known]
    if unknown:
        yield Pointer("nonexistent-index", 0.93 if key(unknown[0].removeprefix("cu")) <= newest else 0.75)
        return
    release = torch_releases.get(asked) if name == "torch" else None
    if release and label.startswith("cu"):
        places = [name for name in torch_pythons.PLATFORMS if torch_builds.published(asked, label, name)]
        if not places:
            yield Pointer("nonexistent-index", 0.8)
        elif _platform(seen) and _platform(seen) not in places and seen.os != "macos":
            yield Pointer("platform-has-no-wheel", 0.7)
            yield Pointer("wrong-index-for-platform", 0.4)


def _by_list(name: str, asked: str, label: str, real: list[str], seen: Seen) -> Iterator[Pointer]:
    first, last = min(real, key=key), max(real, key=key)
    wanted = key(public(asked))
    if not asked:
        yield Pointer("python-version-unsupported", 0.5)
    elif name == "torch" and public(last) == torch_pythons.LAST_INTEL_MAC and wanted > key(last) and not local_label(last):
        yield Pointer("macos-x86-dropped", 0.95)
    elif any(key(public(version)) == wanted for version in real):
        served = any(local_label(version) for version in real)
        if seen.os == "macos":
            yield Pointer("wrong-index-for-platform", 0.6)
            yield Pointer("platform-has-no-wheel", 0.45)
        else:
            yield Pointer("index-not-configured", 0.8 if label and not served else 0.5)
            yield Pointer("wrong-index-for-platform", 0.35)
    elif wanted < key(first):
        only = local_label(first)
        begins = only and name == "torch" and _first_of_label(only) == public(first) and not torch_pythons.begins_for(first)
        yield Pointer("nonexistent-index" if begins else "python-version-unsupported", 0.6 if begins else 0.93)
    elif wanted > key(last):
        ends = name == "torch" and torch_pythons.ends_for(last) is not None
        only = local_label(last)
        over = not ends and only and name == "torch" and _last_of_label(only) == public(last)
        yield Pointer("nonexistent-index" if over else "python-version-unsupported", 0.6 if over else 0.92 if ends else 0.5)
        if not ends:
            yield Pointer("wrong-index-for-platform", 0.3)
    else:
        yield Pointer("python-version-unsupported", 0.45)
        yield Pointer("index-not-configured" if label else "platform-has-no-wheel", 0.35)


def _empty(name: str, asked: str, versions: tuple[str, ...], seen: Seen, *, windows: bool, pinned: bool) -> Iterator[Pointer]:
    """No wheel at all: too new a Python, or 32 bits."""
    python = _python(seen)
    fits = torch_pythons.serves(asked, python, _platform(seen)) if asked and python and name == "torch" else None
    if fits is None and python and not asked:
        minors = key(python)
        newest = torch_pythons.newest_python_of(torch_releases.newest()) or 0
        fits = None if minors[1:2] > (newest,) else fits
    small = 0.1 if seen.os == "linux" else 0.2
    unsupported = 0.75
    if fits:
        small, unsupported = (0.65, 0.3) if windows else (0.15, 0.35)
        if not windows:
            yield Pointer("platform-has-no-wheel", 0.45)
        if seen.has("python-64bit-named"):
            # The Python that is named has wheels: it is not the one that this pip belongs to.
            small = 0.1
            yield Pointer("wrong-python-environment", 0.5)
    elif versions and asked and name == "torch":
        # The list had nothing then: which Python was new when this release was?
        number = key(public(asked))[:2]
        if number <= (1, 5) and python == "":
            small, unsupported = (0.65, 0.35) if pinned else (0.4, 0.6)
    elif windows and not python:
        small = 0.3
    yield Pointer("python-version-unsupported", unsupported)
    yield Pointer("python-32bit", small)


def _other(name: str, asked: str, versions: tuple[str, ...], seen: Seen) -> Iterator[Pointer]:
    indexes = seen.captured("indexes", "pip-indexes")
    if not versions and ("pytorch" in indexes if indexes else seen.has("pytorch-index-alone")) and "," not in indexes:
        yield Pointer("pytorch-index-as-only-index", 0.9)
    elif name.startswith("triton") and seen.os == "windows":
        yield Pointer("triton-missing-on-windows", 0.85)
    elif name.startswith("nvidia-") and not versions:
        yield Pointer("platform-has-no-wheel", 0.6)
    elif versions and asked and key(asked) < min(key(version) for version in versions):
        yield Pointer("python-version-unsupported", 0.75)
    else:
        yield Pointer("python-version-unsupported", 0.5)
        yield Pointer("platform-has-no-wheel", 0.35)


def _version(spec: str) -> str:
    """The first version of a specification such as ``==2.1.0+cu121`` or ``<2.2,>=2.0``; the least one that would do."""
    found = _ASKED.findall(spec)
    return min(found, key=key) if found else ""


def _index(seen: Seen) -> str:
    """The label of the first stable index that is named and was never published; else of the first."""
    stable = [c for c in seen.complaints if c.signature == "pytorch-index-named" and not c.captured.get("stage")]
    labels = [c.captured["label"] for c in stable]
    return next((label for label in labels if not torch_builds.build_exists(label)), labels[0] if labels else "")


def _first_of_label(label: str) -> str:
    return min(_releases(label), key=key, default="")


def _last_of_label(label: str) -> str:
    return max(_releases(label), key=key, default="")


def _releases(label: str) -> set[str]:
    """The releases that were built under a label, for any system."""
    return {build.torch for name in torch_pythons.PLATFORMS for build in torch_builds.builds(name) if build.build == label}


def _mac(asked: str, seen: Seen) -> Iterator[Pointer]:
    """A Mac whose processor is told by nothing but its Python: where Apple silicon would have a wheel, it is an Intel one."""
    python = _python(seen)
    served = torch_pythons.serves(asked, python, "macos-arm64") if asked and python else None
    sure = 0.92 if seen.has("rosetta-named") else 0.8 if served else 0.65
    if served is False and not seen.has("rosetta-named"):
        sure = 0.35
    yield Pointer("macos-x86-dropped", sure)
    yield Pointer("python-version-unsupported", 0.85 if served is False else 0.3)


def _not_for(platform: str, label: str) -> bool:
    """Whether no release was ever built under a CUDA label for a system."""
    return label.startswith("cu") and not any(build.build == label for build in torch_builds.builds(platform))


_TAGS = {"manylinux1": "2.5", "manylinux2010": "2.12", "manylinux2014": "2.17"}


def _glibc_of(tag: str) -> str:
    """The C library that a wheel's tag asks for."""
    exact = re.match(r"manylinux_2_(\d{1,2})_", tag)
    return f"2.{exact[1]}" if exact else _TAGS.get(tag.partition("_")[0], "")


def _glibc(seen: Seen) -> str:
    """The C library that the text names."""
    machine = seen.value("machine")
    if machine and machine.libc_version:
        return str(machine.libc_version)
    named = "glibc-named"
    said = seen.captured("here", named) or seen.captured("ldd", named) or seen.captured("glibc", named)
    return said or ("2.17" if seen.captured("centos", named) else "")


def _python(seen: Seen) -> str:
    interpreter = seen.value("interpreter")
    return ".".join(interpreter.version.split(".")[:2]) if interpreter else ""


def _bits(seen: Seen) -> int:
    interpreter = seen.value("interpreter")
    return 32 if seen.has("python-32bit-named") else interpreter.bits if interpreter else 0


def _platform(seen: Seen) -> str:
    machine = seen.value("machine")
    return machine.platform if machine else ""


def _intel_mac(seen: Seen) -> bool:
    told = _platform(seen) == "macos-x86_64" or seen.has("rosetta-named")
    return told and not seen.has("apple-silicon-named")
