"""Whether a model fits: what it needs in each way to run it, as a range, against what is free on each GPU."""

from __future__ import annotations

from torchsmith.choose import model_needs
from torchsmith.choose.model_names import TRAINED
from torchsmith.knowledge import gpus, models
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.fit import Claim, Fit, ModelFit, Room
from torchsmith.model.known import Unknown
from torchsmith.model.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchsmith.choose.model_names import Asked
    from torchsmith.model.facts.gpu import Device
    from torchsmith.model.fit import Need

VERDICTS = ("fits", "tight", "unknown", "does-not-fit")
"""The best first."""

ADVICE = 5


def answer(asked: Asked, devices: Gpus | Unknown, *, windows: bool, assumed: bool) -> ModelFit:
    """The whole answer; ``assumed`` says that nobody measured these GPUs."""
    needs = model_needs.of(asked)
    rooms = tuple(_rooms(devices, windows=windows, assumed=assumed)) if isinstance(devices, Gpus) else ()
    # A model of another family than language models is not split over GPUs.
    together = _together(rooms) if asked.model.family == "llm" else ()
    fits = tuple(
        Fit(need, room, verdict(need, room)) for need in needs for room in (*rooms, *(_split(r, need) for r in together))
    )
    remarks = [*_remarks(asked, devices, rooms, windows=windows)]
    best = min(
        (fit.verdict for fit in fits), key=VERDICTS.index, default="unknown" if isinstance(devices, Unknown) else "does-not-fit"
    )
    advice = () if best == "fits" or not rooms else tuple(_advice(asked, needs, rooms))
    return ModelFit(asked.text, asked.model.name, needs, fits, rooms, best, advice, tuple(_claims(asked)), tuple(remarks))


def verdict(need: Need, room: Room) -> str:
    """Whether a need fits into a room: for sure, at its low end only, or not at all."""
    if room.low is None or room.high is None:
        return "unknown"
    if need.high <= room.low:
        return "fits"
    return "does-not-fit" if need.low > room.high else "tight"


def _rooms(devices: Gpus, *, windows: bool, assumed: bool) -> Iterable[Room]:
    for device in devices:
        name = device.name or "GPU"
        if device.memory and device.free is not None:
            total, free = device.memory >> 20, device.free >> 20
            yield Room(device.index, name, total, free, free, f"{_gib(free)} of {_gib(total)} GiB free, as the driver says now")
            continue
        yield _untold(device, name, windows=windows, assumed=assumed)


def _untold(device: Device, name: str, *, windows: bool, assumed: bool) -> Room:
    """A GPU whose free memory nobody asked: all of it, less what a desktop may take."""
    sizes = (device.memory >> 20,) if device.memory else tuple(size << 10 for size in models.memory_of_gpu(device.name or ""))
    if not sizes:
        return Room(device.index, name, None, None, None, "how much memory it has is not known; give it by `nvidia-smi`")
    known = gpus.by_name(device.name or "")
    alone = known is not None and known.klass == "datacentre"
    low, high = (0, 0) if alone else models.term("display" if windows else "display-linux")
    sold = f"{_gib(sizes[0])}" if len(sizes) == 1 else " or ".join(_gib(size) for size in sizes)
    how = f"sold with {sold} GiB" if not device.memory else f"{sold} GiB in all"
    less = f", less {_gib(low)} to {_gib(high)} GiB for a desktop" if high else ""
    said = "assumed: " if assumed else ""
    return Room(
        device.index,
        name,
        max(sizes),
        max(0, min(sizes) - high),
        max(sizes) - low,
        f"{said}{how}{less}; what is free was not measured",
    )


def _together(rooms: tuple[Room, ...]) -> tuple[Room, ...]:
    if len(rooms) < 2 or any(room.low is None for room in rooms):
        return ()
    low, high = sum(room.low or 0 for room in rooms), sum(room.high or 0 for room in rooms)
    total = sum(room.total or 0 for room in rooms)
    return (Room(-1, f"all {len(rooms)} GPUs together", total, low, high, "split over all of them"),)


def _split(room: Room, need: Need) -> Room:
    """What a split leaves: each further GPU holds a context of its own."""
    count = int(room.gpu.split()[1]) - 1
    context = next((part for part in need.parts if part.name == "context"), None)
    low, high = (context.low, context.high) if context else (0, 0)
    return replace(room, low=max(0, (room.low or 0) - count * high), high=max(0, (room.high or 0) - count * low))


def _remarks(asked: Asked, devices: Gpus | Unknown, rooms: tuple[Room, ...], *, windows: bool) -> Iterable[str]:
    if isinstance(devices, Unknown):
        yield f"which GPUs there are is not known: {devices.reason}"
    elif not rooms:
        yield "there is no NVIDIA GPU; the ranges are those of a GPU, a CPU needs about as much of the machine's own memory"
    frozen = [kind.name for kind in asked.number_types if kind.name not in TRAINED]
    if asked.use == "lora" and frozen:
        yield f"{frozen[0]} weights stay as they are; what is trained is an adapter beside them (QLoRA)"
    if asked.sized:
        yield "only its number of parameters is known: the range covers the shapes that models of this size have"
    if asked.model.note:
        yield f"{asked.model.name}: {asked.model.note}"
    if asked.weights is not None and not asked.weights.whole:
        yield "the file is one of several parts, and the others are not counted: name the index (model.safetensors.index.json)"
    if isinstance(devices, Gpus):
        yield from _about_types(asked, devices)
        if any(device.mig for device in devices):
            yield "MIG is on: an instance has only its part of the memory"
    if windows:
        yield "Windows moves what does not fit into the machine's memory: that looks like a slow run, not like an error"


def _about_types(asked: Asked, devices: Gpus) -> Iterable[str]:
    for kind in asked.number_types:
        slow = [device for device in devices if kind.native_sm and device.sm and device.sm < kind.native_sm]
        if slow:
            names = ", ".join(dict.fromkeys(device.name or "GPU" for device in slow))
            yield f"{kind.name} is held as such and computed in another type on the {names}: it saves memory, not time"


def _advice(asked: Asked, needs: tuple[Need, ...], rooms: tuple[Room, ...]) -> Iterable[str]:
    """What would make it fit, the least change first: what surely fits before what may, of smaller models only the largest."""
    sure, tight, smaller = [], [], False
    for change, other in model_needs.alternatives(asked):
        found = min((verdict(other, room) for room in rooms), key=VERDICTS.index)
        if other.model != needs[0].model:
            if smaller or found != "fits":
                continue
            smaller = True
        text = f"{change}: {_gib(other.low)} to {_gib(other.high)} GiB"
        if found == "fits":
            sure.append(f"{text}, fits")
        elif found == "tight" and other.high < needs[0].high:
            tight.append(f"{text}, tight")
    yield from list(dict.fromkeys([*sure, *tight]))[:ADVICE]
    least = min(needs, key=lambda need: need.high)
    yield f"a GPU with {_gib(least.high)} GiB free, for {least.number_type} with {least.implementation}"


def _claims(asked: Asked) -> Iterable[Claim]:
    """Figures that go around, against the makers' and the measured ones."""
    figures = models.observed(asked.model.name)
    claimed = next((figure for figure in figures if figure.kind == "claimed"), None)
    wished = next((figure for figure in figures if figure.kind == "recommended"), None)
    if claimed is None:
        return
    stated = next((figure for figure in figures if figure.kind == "stated" and figure.implementation == "openai"), None)
    plain = replace(asked, number_types=(), implementations=(), use="inference", weights=None, items=None)
    faster = next(need for need in model_needs.of(plain) if (need.implementation, need.number_type) == ("faster-whisper", "fp16"))
    text = f"a guide on WhisperX asks for {_gib(claimed.mib)} GiB" + (f", better {_gib(wished.mib)}" if wished else "")
    wrong = []
    if stated is not None:
        text += f"; OpenAI states {_gib(stated.mib)} for its own program"
        wrong.append(not stated.mib * 0.9 <= claimed.mib <= stated.mib * 1.1)
    text += f"; faster-whisper takes {_gib(faster.low)} to {_gib(faster.high)}"
    wrong.append(not faster.low <= claimed.mib <= faster.high)
    yield Claim(
        f"{text}: {'the guide is right for neither' if all(wrong) else 'the guide is right for one of them'}", claimed.source
    )


def _gib(mib: int) -> str:
    """GiB with one digit."""
    return f"{mib / 1024:.1f}"
