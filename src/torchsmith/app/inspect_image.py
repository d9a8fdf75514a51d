"""``torchsmith inspect`` of a container image in a tar file, or of a plain tar: read layer by layer, without an engine."""

from __future__ import annotations

from torchsmith.app import inspect as single
from torchsmith.derive.inspection_remarks import cuda_runtime, gpu_coverage
from torchsmith.model.errors import UnreadableInputError
from torchsmith.model.inspection import Entry, Inspection, Need
from torchsmith.model.known import Unknown
from torchsmith.model.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from torchsmith.app.inspect import Gpus, Wanted
    from torchsmith.host.base import Host, ImagePart


def inspect(host: Host, target: str, wanted: Wanted, gpus: Gpus) -> Inspection:
    """The images first, each with its configuration and layers; then the binaries that they show in the end, by path.

    Raises:
        UnreadableInputError: it is neither an image nor a tar.

    """
    unused = tuple(
        f"{option} has no effect on images" for option, given in (("--hash", wanted.hash), ("--deep", wanted.deep)) if given
    )
    described: Mapping[str, Any] = {}
    entries: list[Entry] = []
    unread: list[tuple[str, str]] = []
    for part in host.image(target):
        if not part.path:
            if isinstance(part.answer, Unknown):
                raise UnreadableInputError(f"`{target}` cannot be read as an image: {part.answer.reason}")
            described = part.answer.value
        elif isinstance(part.answer, Unknown):
            unread.append((_path(target, described, part), part.answer.reason))
        else:
            made = single.entries_of(_path(target, described, part), part.answer.value, gpus)
            entries += [_placed(entry, described["images"][part.image], part) for entry in made]
    entries.sort(key=lambda entry: entry.path)
    main = _main(entries)
    return Inspection(
        entries=(*_images(target, described, unused), *entries),
        remarks=tuple(gpu_coverage(main)),
        main=main.path if main else "",
        unread=tuple(sorted(unread)),
        gpus=tuple(single.named(device) for device in gpus.devices),
    )


def _images(target: str, described: Mapping[str, Any], unused: tuple[str, ...]) -> list[Entry]:
    """One entry for each image; the warnings stand with the first."""
    entries: list[Entry] = []
    for image in described["images"]:
        if not image["name"]:
            about: dict[str, Any] = {"compression": image["layers"][0]["compression"] or None}
        else:
            about = {
                "image": image["name"],
                "platform": f"{image['os']}/{image['architecture']}",
                "env": dict(image["env"]),
                "layers": [
                    {name: layer[name] or None for name in ("digest", "compression", "size", "fault")}
                    for layer in image["layers"]
                ],
            }
        warnings = () if entries else (*described["warnings"], *unused)
        entries.append(Entry(target, "image" if image["name"] else "tar", about=tuple(about.items()), warnings=warnings))
    return entries


def _placed(entry: Entry, image: Mapping[str, Any], part: ImagePart) -> Entry:
    """The entry with the layer that it lies in, and the names that it asks for."""
    layer = (("image", image["name"]), ("layer", image["layers"][part.layer]["digest"])) if image["name"] else ()
    runtime = cuda_runtime(entry.binary.needed) if entry.binary else None
    return replace(entry, about=layer, needs=_needs(entry), cuda_runtime=runtime)


def _needs(entry: Entry) -> tuple[Need, ...]:
    """The names that it asks for. What answers them is decided in the container: here nothing is looked up."""
    from torchsmith.knowledge import libraries

    names = entry.binary.needed if entry.binary else ()
    return tuple(Need(name, how="not looked up in an image", provider=libraries.provider(name) or "") for name in names)


def _path(target: str, described: Mapping[str, Any], part: ImagePart) -> str:
    """Archive and path in it; the image too, where there are several."""
    several = len(described["images"]) > 1
    return f"{target}/{described['images'][part.image]['name']}/{part.path}" if several else f"{target}/{part.path}"


def _main(entries: list[Entry]) -> Entry | None:
    """The GPU library of torch, where there is one; else the only binary with GPU code."""
    carrying = [entry for entry in entries if entry.binary and entry.binary.gpu_code]
    torch = [entry for entry in carrying if entry.path.endswith(single.MAIN)]
    return torch[0] if len(torch) == 1 else carrying[0] if len(carrying) == 1 else None
