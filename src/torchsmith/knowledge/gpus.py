"""GPU products: from a PCI device id or a product name to the compute capability."""

from __future__ import annotations

import re
from functools import lru_cache

from torchsmith.model.pattern import pattern
from torchsmith.model.record import packed


@packed
class Gpu:
    """What is known of a GPU. ``sm`` is the compute capability without its dot: 120 is 12.0."""

    name: str | None
    """Product name; None where only the chip's family is known from the device id."""
    chip: str
    sm: int
    architecture: str
    klass: str | None
    """consumer, laptop, workstation, datacentre, jetson, unified, mining; None if not known."""
    forward_compat: bool | None
    """Whether cuda-compat may serve it (data-centre GPUs and Jetson); None if that depends on the model."""


_FORWARD_COMPAT = {"yes": True, "jetson": True, "no": False}

# What a name may carry without meaning another compute capability: makers' words, form factors, memory, vGPU profiles.
_NOISE = frozenset(
    (
        "nvidia",
        "corporation",
        "geforce",
        "tesla",
        "quadro",
        "grid",
        "graphics",
        "card",
        "gpu",
        "device",
        "generation",
        "with",
        "design",
        "pcie",
        "pci",
        "oem",
        "rev",
        "lhr",
        "sxm",
        "sxm2",
        "sxm3",
        "sxm4",
        "sxm5",
        "hbm2",
        "hbm2e",
        "hbm3",
        "hbm3e",
        "gddr5",
        "gddr5x",
        "gddr6",
        "gddr6x",
        "mig",
        "nvgpu",
        "vga",
        "compatible",
        "controller",
        "3d",
        "dgxs",
        "a1",
        "fhhl",
    )
)
_QUANTITY = pattern(r"\d+g|\d+gi?b|\d+g\.\d+gb|\d+[qcabe]|fhhl|gi?b")
_LAPTOP = frozenset(("laptop", "mobile", "max", "q"))
_GLUED = pattern(r"\b(rtx|gtx|gt|mx|titan)(?=\d)|(?<=\d)(?=(?:ti|super)\b)")
_WORD = pattern(r"[a-z0-9.]+")
_BRACKETS = pattern(r"\[([^\]]*(?:force|rtx|gtx|quadro|tesla|titan|jetson|[a-z]\d{2,4})[^\]]*)\]", re.IGNORECASE)
_VGPU_MEMORY = pattern(r"([a-z]+\d+)[dxsl]")


def by_pci(device_id: int) -> Gpu | None:
    """The GPU of a PCI device id (vendor 10de). An id that no table lists is told by its block, without a name."""
    from torchsmith.knowledge.compiled.gpus_pci import ROWS

    for identifier, chip, product, sm, architecture, form in ROWS:
        if identifier == device_id:
            known = _product_of_id(f"{device_id:04x}")
            if known:
                return known
            klass, forward = _guess_class(product or "", form)
            return Gpu(product, chip, sm, architecture, klass, forward)
    return _by_block(device_id)


@lru_cache(256)
def by_name(text: str) -> Gpu | None:
    """The GPU of a product name as nvidia-smi, lspci, Windows or a person writes it; None if it is not certain."""
    wanted = _significant(text)
    if not wanted:
        return None
    from torchsmith.knowledge.compiled.gpus import ROWS

    for spelling in (wanted, _without_vgpu_letter(wanted)):
        found: Gpu | None = None
        closest = -1000
        telling = spelling - {"laptop"}  # which is written in several ways; every other word stands in the name as it is
        for name, aliases, chip, sm, architecture, klass, forward, _ids in ROWS:
            for written in (name, *(aliases.split("; ") if aliases else ())):
                lowered = written.lower()
                if not all(word in lowered for word in telling) or _significant(written) != spelling:
                    continue
                # Several products share the significant words (H100 PCIe, H100 SXM5): the closest spelling wins.
                shared = len(set(_words(written)) & set(_words(text))) * 2 - abs(len(written) - len(text)) // 8
                if shared > closest:
                    closest = shared
                    found = Gpu(name, chip, sm, architecture, klass, _FORWARD_COMPAT.get(forward))
        if found:
            return found
    return _by_pci_product(wanted) or _by_chip(wanted)


def nearest(text: str) -> list[str]:
    """Up to three product names that a mistyped one may have meant, nearest first."""
    from difflib import get_close_matches

    from torchsmith.knowledge.compiled.gpus import ROWS

    names = {" ".join(_ordered(row[0])): row[0] for row in ROWS}
    return [names[key] for key in get_close_matches(" ".join(_ordered(text)), list(names), n=3, cutoff=0.6)]


def _product_of_id(device_id: str) -> Gpu | None:
    from torchsmith.knowledge.compiled.gpus import ROWS

    for name, _aliases, chip, sm, architecture, klass, forward, ids in ROWS:
        if device_id in ids:
            return Gpu(name, chip, sm, architecture, klass, _FORWARD_COMPAT.get(forward))
    return None


def _by_block(device_id: int) -> Gpu | None:
    from torchsmith.knowledge.compiled.pci_blocks import ROWS

    for first, last, chips, sm, architecture in ROWS:
        if first <= device_id <= last and sm is not None and architecture is not None:
            return Gpu(None, chips[0], sm, architecture, None, None)
    return None


def _by_pci_product(wanted: frozenset[str]) -> Gpu | None:
    from torchsmith.knowledge.compiled.gpus_pci import ROWS

    found = [row for row in ROWS if row[2] and _significant(row[2]) == wanted]
    if len({row[3] for row in found}) != 1:  # none, or one name for GPUs of several capabilities
        return None
    _identifier, chip, product, sm, architecture, form = found[0]
    klass, forward = _guess_class(product or "", form)
    return Gpu(product, chip, sm, architecture, klass, forward)


def _by_chip(wanted: frozenset[str]) -> Gpu | None:
    from torchsmith.knowledge.compiled.gpus_pci import ROWS

    for _identifier, chip, _product, sm, architecture, _form in ROWS:
        if wanted == {chip.lower()}:
            return Gpu(None, chip, sm, architecture, None, None)
    return None


def _guess_class(product: str, form: str | None) -> tuple[str | None, bool | None]:
    if "GeForce" in product:
        return ("laptop" if form == "mobile" else "consumer"), False
    if product.startswith("Tesla"):
        return "datacentre", True
    return ("laptop", None) if form == "mobile" else (None, None)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _ordered(text: str) -> list[str]:
    """The words that tell one product from another, in their order."""
    bracketed = _BRACKETS.search(text)
    lowered = _GLUED.sub(lambda match: f"{match[0]} ", (bracketed[1] if bracketed else text).lower())
    kept = []
    for found in _WORD.findall(lowered):
        word = "laptop" if found in _LAPTOP else found
        if word not in _NOISE and not _QUANTITY.fullmatch(word) and word not in kept:
            kept.append(word)
    return kept


def _significant(text: str) -> frozenset[str]:
    return frozenset(_ordered(text))


def _without_vgpu_letter(words: frozenset[str]) -> frozenset[str]:
    """``v100d`` of "GRID V100D-32Q" is a V100 with double memory."""
    return frozenset(match[1] if (match := _VGPU_MEMORY.fullmatch(word)) else word for word in words)
