"""What an installer did not find, or found in the wrong place: which of the indexes, sources and platforms is at fault?"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.model.versions import key, local_label, major
from torchsmith.rules.common import index_label
from torchsmith.rules.resolving.shared import FAMILY, SERVED


@reading("uv-wheel-of-pytorch-index")
def wheel_of_pytorch_index(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Another package than torch: it was looked for there at all. torch: with or without the label that this platform has."""
    package, label = complaint.captured["package"].lower(), local_label(complaint.captured["version"])
    if package.startswith("nvidia-") or seen.has("musl-named"):
        yield Pointer("platform-has-no-wheel", 0.85 if seen.has("musl-named") else 0.65)
        return
    if package not in SERVED:
        yield Pointer("uv-index-not-explicit", 0.9)
        yield Pointer("pytorch-index-as-only-index", 0.3 if seen.has("pytorch-index-alone") else 0.15)
        return
    platforms = seen.captured("platforms", "uv-hint-platforms")
    if seen.has("uv-hint-pythons") and not platforms:
        yield Pointer("python-version-unsupported", 0.85)
    elif package not in FAMILY:
        yield Pointer("platform-has-no-wheel", 0.55)
        yield Pointer("uv-index-not-explicit", 0.4)
    elif label.startswith("cu") and seen.os == "macos":
        yield Pointer("uv-local-version-fork", 0.55)
        yield Pointer("platform-has-no-wheel", 0.5)
    elif label and seen.os == "macos":
        yield Pointer("uv-local-version-fork", 0.8)
        yield Pointer("platform-has-no-wheel", 0.4)
    elif not label and (seen.os in {"linux", "windows"} or "macosx" in platforms):
        yield Pointer("uv-local-version-fork", 0.88)
        yield Pointer("platform-has-no-wheel", 0.3)
    else:
        yield Pointer("uv-local-version-fork", 0.5)
        yield Pointer("platform-has-no-wheel", 0.5)


@reading("uv-not-in-registry")
def not_in_registry(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """What only a PyTorch index has is no direct dependency; what it does not have was asked of it alone."""
    package = complaint.captured["package"].lower().replace("_", "-")
    if package.startswith(("pytorch-triton", "nvidia-")):
        yield Pointer("uv-sources-transitive", 0.75)
        yield Pointer("uv-sources-incomplete", 0.4)
    elif package in SERVED:
        yield Pointer("index-not-configured", 0.55)
        yield Pointer("nonexistent-index", 0.35)
    else:
        known = seen.has("pytorch-index-alone", "pytorch-index-named")
        yield Pointer("pytorch-index-as-only-index", 0.88 if known else 0.7)
        yield Pointer("uv-index-not-explicit", 0.25)


@reading("poetry-no-such-version")
def no_such_version(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """A version with a local label is on the PyTorch index only."""
    captured = complaint.captured
    said = captured.get("version") or captured.get("third") or captured.get("fourth") or ""
    if "+" in said:
        named = seen.has("pytorch-index-named")
        yield Pointer("index-not-configured", 0.55 if named else 0.8)
        yield Pointer("platform-has-no-wheel", 0.4 if named else 0.15)
    else:
        yield Pointer("python-version-unsupported", 0.4)
        yield Pointer("platform-has-no-wheel", 0.35)
        yield Pointer("index-not-configured", 0.25)


@reading("conda-cuda-of-build")
def built_by_conda(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Held against the CUDA of the driver, or of conda's own view of it: another major version is older than it need be."""
    said = complaint.captured["cuda"]
    built = said if "." in said else f"{said[:2]}.{said[2:]}"
    driver, transcript = seen.value("driver"), seen.value("transcript")
    virtual = dict(transcript.virtual).get("__cuda", "") if transcript else ""
    smi = seen.value("nvidia_smi")
    can = (driver.cuda if driver else "") or (smi.cuda if smi else "") or virtual
    if can and major(built) < major(can):
        yield Pointer("conda-old-cuda-picked", 0.65)
    elif can and key(built) < key(can):
        yield Pointer("conda-old-cuda-picked", 0.35)
    elif not can and major(built) < 12:
        yield Pointer("conda-old-cuda-picked", 0.5 if seen.has("cuda-version-held") else 0.4)


@reading("uv-hint-platforms")
def platforms_named(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Another processor or another system than this one; a tag of this system only is the C library's matter."""
    mine, theirs = complaint.captured.get("mine") or "", complaint.captured["platforms"]
    if not mine or seen.has("uv-wheel-of-pytorch-index") or ("macos" in mine and "x86_64" in mine):
        return
    if platform_of(mine) not in {platform_of(tag) for tag in theirs.split(",")}:
        yield Pointer("platform-has-no-wheel", 0.93)


def platform_of(tag: str) -> tuple[str, str]:
    """System and processor of a wheel's platform tag, whichever the C library's version: ("linux", "x86_64")."""
    system = next((system for system in ("musl", "linux", "mac", "win") if system in tag), "")
    processor = next((arch for arch in ("x86_64", "aarch64", "arm64", "amd64") if arch in tag), tag.rpartition("_")[2])
    return system, processor


@reading("torch-already-satisfied")
def satisfied(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """A build of another label than the index that was asked stays where it is; one of the same label is what was wanted."""
    have = local_label(complaint.captured["version"])
    transcript = seen.value("transcript")
    request = transcript.before(complaint.position.line) if transcript else None
    asked = {index_label(index.url).rpartition("/")[2] for index in request.indexes} - {""} if request else set()
    named = asked or {c.captured["label"] for c in seen.complaints if c.signature == "pytorch-index-named"}
    if named and have not in named:
        yield Pointer("local-version-satisfied", 0.85)
    elif have == "cpu" and not named:
        yield Pointer("local-version-satisfied", 0.88)
    elif not named:  # asked for by name, or met on the way to another package
        yield Pointer("local-version-satisfied", 0.15 if "(from " in complaint.text else 0.6)


@reading("labelled-version-not-found")
def labelled_version(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """By the command that went before it: without the index of that label nothing has such a version."""
    label, transcript = local_label(complaint.captured.get("version") or ""), seen.value("transcript")
    request = transcript.before(complaint.position.line) if transcript else None
    labels = {index_label(index.url).rpartition("/")[2] for index in request.indexes} if request else set()
    project = seen.value("pasted_project")
    if project and "tool.uv.pip" in project.tables and "tool.uv.index" not in project.tables:
        yield Pointer("index-not-configured", 0.93)  # what stands there counts for `uv pip` only
    elif label and label in labels:
        yield Pointer("uv-local-version-fork", 0.5)
        yield Pointer("platform-has-no-wheel", 0.4)
    elif request and request.verb and not labels:
        yield Pointer("index-not-configured", 0.93)
    else:
        yield Pointer("index-not-configured", 0.55 if seen.has("pytorch-index-named") else 0.9 if label else 0.4)


@reading("uv-found-on-first-index")
def found_on_first_index(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Another package than torch was looked for there at all; of torch, that index has no such version for this Python."""
    package = (complaint.captured.get("package") or "").lower()
    if package in SERVED:
        if not seen.has("uv-python-tag", "uv-hint-pythons"):
            yield Pointer("index-not-configured", 0.45)
            yield Pointer("python-version-unsupported", 0.3)
        return
    yield Pointer("uv-index-not-explicit", 0.85 if package else 0.4)
