"""What a model takes in each way to run it: measured where somebody did, else from its parameters and its shape."""

from __future__ import annotations

from torchsmith.choose.model_names import TRAINED
from torchsmith.knowledge import models
from torchsmith.model.errors import UsageError
from torchsmith.model.fit import Need, Part
from torchsmith.model.record import record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torchsmith.choose.model_names import Asked
    from torchsmith.knowledge.models import Implementation, Model, NumberType, Observed

MIB = 1 << 20
KEPT_BYTES = 2
"""Bytes of a key or a value: they are held in 16 bits unless asked otherwise."""

DEFAULTS = {"whisper": 2, "llm": 3}
"""How many number types of a program are told where none was named."""


FEW = ("q8_0", "q4_k_m")
"""Of the many packed number types, those that are proposed."""


@record
class Shape:
    """For each token: bytes of keys and values, and width times layers, as ranges."""

    kept: tuple[int, int]
    width: tuple[int, int]


def of(asked: Asked) -> tuple[Need, ...]:
    """The needs of every way to run it that the question allows."""
    return tuple(_need(asked, program, kind) for program, kind in _ways(asked))


def _ways(asked: Asked) -> Iterator[tuple[Implementation, NumberType]]:
    family = asked.model.family
    programs = asked.implementations or tuple(item for item in models.implementations() if item.family == family)
    kinds = {kind.name: kind for kind in models.types()}
    if asked.weights is not None:
        yield _program_of_file(asked, programs), asked.number_types[0] if asked.number_types else _kind_of_file(asked, kinds)
        return
    if asked.use != "inference" and not asked.implementations:
        programs = tuple(item for item in programs if item.name.startswith(("transformers", "openai")))[:1]
    told = False
    for program in programs:
        wanted = [kind for kind in asked.number_types if kind.name in program.number_types]
        if not asked.number_types:
            wanted = [kinds[name] for name in _usual(asked, program)]
        if asked.number_types and not asked.implementations and told and family == "llm":
            continue  # programs for language models differ less than the range is wide
        for kind in wanted:
            told = True
            yield program, kind
    if not told:
        raise UsageError(f"`--model {asked.text}`: no program is known that runs {asked.model.name} so")


def _usual(asked: Asked, program: Implementation) -> tuple[str, ...]:
    """The number types that are told where none was named."""
    if asked.use == "training":
        return tuple(name for name in ("bf16", "fp16", "fp32") if name in program.number_types)[:1]
    if asked.use == "lora":
        return tuple(name for name in ("bf16", "nf4", "fp16") if name in program.number_types)[:2]
    if program.family == "llm":
        chosen = {"transformers": ("bf16", "int8", "nf4"), "vllm": ("bf16",), "llama.cpp": ("q4_k_m",)}
        return chosen.get(program.name, program.number_types[:1])
    return tuple(name for name in program.number_types if name != "fp32")[: DEFAULTS["whisper"]]


def _program_of_file(asked: Asked, programs: tuple[Implementation, ...]) -> Implementation:
    if asked.implementations:
        return asked.implementations[0]
    wanted = "llama.cpp" if asked.weights is not None and asked.weights.format == "gguf" else "transformers"
    return next((item for item in programs if item.name.startswith(wanted)), programs[0])


def _kind_of_file(asked: Asked, kinds: dict[str, NumberType]) -> NumberType:
    """The number type that most bytes of a file are in."""
    stored = asked.weights.types[0][0] if asked.weights is not None and asked.weights.types else ""
    return next((kind for kind in kinds.values() if stored in kind.files), kinds["bf16"])


def _need(asked: Asked, program: Implementation, kind: NumberType) -> Need:
    if asked.use == "inference" and asked.weights is None:
        items = asked.items or program.items
        figures = [
            figure
            for figure in models.observed(asked.model.name)
            if figure.kind in {"measured", "stated"} and (figure.implementation, figure.number_type) == (program.name, kind.name)
        ]
        exact = [figure for figure in figures if figure.items == items]
        if any(figure.kind == "measured" for figure in exact):
            return _measured(asked, program, kind, exact)
        if figures and not any(figure.kind == "measured" for figure in figures):
            return _stated(computed(asked, program, kind), figures)
    return computed(asked, program, kind)


def _measured(asked: Asked, program: Implementation, kind: NumberType, figures: list[Observed]) -> Need:
    """Between the lowest and the highest figure, and a little apart: another GPU and driver give others."""
    below, above = models.term("spread")
    sizes = [figure.mib for figure in figures]
    said = "; ".join(f"{figure.mib} MiB {figure.kind} ({figure.conditions})" for figure in figures)
    sources = tuple(dict.fromkeys(figure.source for figure in figures))
    notes = (program.note,) if program.note and program.name in {"openai", "whisperx"} else ()
    return Need(
        asked.model.name,
        program.name,
        kind.name,
        asked.use,
        min(sizes) * below // 100,
        max(sizes) * above // 100,
        said,
        sources,
        (Part("weights", *2 * (_weights(asked.model.params_m, kind),)),),
        measured=True,
        notes=notes,
    )


def _stated(need: Need, figures: list[Observed]) -> Need:
    """The computed range, widened to what the maker states."""
    stated = [figure.mib for figure in figures]
    said = ", ".join(f"{mib} MiB" for mib in stated)
    return replace(
        need,
        low=min(need.low, *stated),
        high=max(stated) if need.implementation == "whisperx" else max(need.high, *stated),
        basis=f"{said} stated by its makers; {need.basis}",
        sources=tuple(dict.fromkeys((*(figure.source for figure in figures), *need.sources))),
    )


def _weights(params_m: int, kind: NumberType) -> int:
    return params_m * kind.millibytes * 1000 // MIB


def computed(asked: Asked, program: Implementation, kind: NumberType) -> Need:
    """From parameters, shape and the program's own share."""
    model = asked.model
    if asked.weights is not None and not asked.number_types:
        weights = asked.weights.bytes // MIB
    else:
        weights = _weights(model.params_m, kind)
    parts = [*_trained(asked, kind, weights)] if asked.use != "inference" else [Part("weights", weights, weights)]
    if model.family == "whisper":
        parts += _of_program(asked, program)
        basis = "computed from its parameters and what the program was measured to take beside them"
    else:
        shape = _shape(model)
        if asked.use == "inference":
            parts.append(_kept(asked, shape))
        else:
            parts.append(_activations(asked, shape))
        basis = "computed from its parameters and its shape; not measured"
    low, high = sum(part.low for part in parts), sum(part.high for part in parts)
    below, above = models.term("slack")
    parts.append(Part("context", program.fixed_low, program.fixed_high))
    return Need(
        model.name,
        program.name,
        kind.name,
        asked.use,
        low * below // 100 + program.fixed_low,
        high * above // 100 + program.fixed_high,
        basis,
        tuple(dict.fromkeys((model.source if model.source != "wheel" else "computed", kind.source, program.source))),
        tuple(parts),
        notes=(program.note,) if program.note and model.family == "llm" else (),
    )


def _of_program(asked: Asked, program: Implementation) -> Iterator[Part]:
    """What a Whisper program takes beside the weights: it grows with the model, and with what is worked on at once."""
    params = asked.model.params_m
    yield Part("buffers", params * (program.low_kib or 0) // 1024, params * (program.high_kib or 0) // 1024)
    further = (asked.items or program.items) - 1
    if further:
        more = params * (program.item_kib or program.high_kib or 0) * further // 1024
        yield Part(f"{further} further items", more, more)


def _shape(model: Model) -> Shape:
    """The shape of the model, or those of all listed models of about its size."""
    if model.layers and model.kv_heads and model.head_dim:
        kept, width = 2 * model.layers * model.kv_heads * model.head_dim * KEPT_BYTES, model.layers * (model.hidden or 0)
        like = _like(model)
        return Shape((kept, kept), (width, width) if width else _range(other.layers * other.hidden for other in like))  # type: ignore[operator]
    like = _like(model)
    kept_of = [2 * other.layers * other.kv_heads * other.head_dim * KEPT_BYTES for other in like]  # type: ignore[operator]
    return Shape(_range(kept_of), _range(other.layers * other.hidden for other in like))  # type: ignore[operator]


def _like(model: Model) -> list[Model]:
    """Language models of about the same size; else the next below and above it."""
    listed = [other for other in models.every() if other.family == "llm"]
    near = [other for other in listed if 0.6 * model.params_m <= other.params_m <= 1.6 * model.params_m]
    below = [other for other in listed if other.params_m < model.params_m][-1:]
    above = [other for other in listed if other.params_m > model.params_m][:1]
    return near or [*below, *above]


def _range(numbers: Iterable[int]) -> tuple[int, int]:
    found = list(numbers)
    return min(found), max(found)


def _kept(asked: Asked, shape: Shape) -> Part:
    few, many = (asked.tokens, asked.tokens) if asked.tokens else models.term("tokens")
    items = asked.items or 1
    name = f"keys and values of {_span(few, many)} tokens" + (f" x {items}" if items > 1 else "")
    return Part(name, shape.kept[0] * few * items // MIB, shape.kept[1] * many * items // MIB)


def _activations(asked: Asked, shape: Shape) -> Part:
    few, many = (asked.tokens, asked.tokens) if asked.tokens else models.term("training-tokens")
    least, most = models.term("activations" if asked.use == "training" else "activations-adapter")
    items = asked.items or 1
    name = f"activations of {_span(few, many)} tokens" + (f" x {items}" if items > 1 else "")
    return Part(name, shape.width[0] * few * items * least // MIB, shape.width[1] * many * items * most // MIB)


def _span(few: int, many: int) -> str:
    return str(few) if few == many else f"{few} to {many}"


def _trained(asked: Asked, kind: NumberType, weights: int) -> Iterator[Part]:
    """Weights, gradients and moments: of all parameters, or of an adapter beside frozen weights."""
    millions = asked.model.params_m
    if asked.use == "training" and kind.name in TRAINED:
        low, high = models.term("training-mixed")[0], models.term("training-mixed")[1]
        low = low if kind.name == "fp32" else models.term("training-pure")[0]
        yield Part("weights, gradients and moments", millions * low * 1000 // MIB, millions * high * 1000 // MIB)
        return
    yield Part("frozen weights", weights, weights)
    few, many = models.term("adapter-share")
    each = models.term("adapter")[0]
    yield Part("adapter with gradients and moments", millions * few * each // MIB, millions * many * each // MIB)


def alternatives(asked: Asked) -> Iterator[tuple[str, Need]]:
    """Other ways to run it, the least change first, with what each is called."""
    kinds = sorted(models.types(), key=lambda kind: -kind.millibytes)
    asked_kinds = asked.number_types or tuple(kind for _, kind in _ways(asked))
    smallest = min(kind.millibytes for kind in asked_kinds)
    programs = asked.implementations or tuple(dict.fromkeys(program for program, _ in _ways(asked)))
    loose = replace(asked, weights=None)
    for program in programs:
        for kind in kinds:
            trained = asked.use != "training" or kind.name in TRAINED
            if kind.name in program.number_types and kind.millibytes < smallest and trained:
                yield f"{kind.name} with {program.name}", _need(loose, program, kind)
    if asked.use == "training":
        for name in ("bf16", "nf4"):
            kind = next(item for item in kinds if item.name == name)
            yield f"an adapter (LoRA) on {name} weights", _need(replace(loose, use="lora"), programs[0], kind)
    if asked.tokens and asked.tokens > models.term("tokens")[0]:
        least = models.term("tokens")[0]
        yield f"a context of {least} tokens", _need(replace(loose, tokens=least), programs[0], asked_kinds[0])
    if asked.use == "inference":
        yield from _other_programs(loose, programs, kinds, max(item.millibytes for item in asked_kinds))
    yield from _smaller(loose, programs[0], asked_kinds[0])


def _other_programs(
    asked: Asked, programs: tuple[Implementation, ...], kinds: list[NumberType], widest: int
) -> Iterator[tuple[str, Need]]:
    """Programs that take less: another one for Whisper; for language models the one whose files are packed."""
    for program in models.implementations():
        packed_only = program.family == "llm"
        if program.family != asked.model.family or program in programs or (packed_only and program.name != "llama.cpp"):
            continue
        for kind in kinds:
            if kind.name in (FEW if packed_only else program.number_types) and kind.millibytes <= widest:
                yield f"{kind.name} with {program.name}", _need(asked, program, kind)


def _smaller(asked: Asked, program: Implementation, kind: NumberType) -> Iterator[tuple[str, Need]]:
    """Smaller models, the largest first."""
    family, below = asked.model.family, asked.model.params_m * 0.9
    for model in reversed(models.every()):
        if model.family == family and model.params_m < below and not model.name.startswith("whisper:distil"):
            name = model.name if family == "whisper" else f"a model of the size of {model.name}"
            yield f"{name} in {kind.name}", _need(replace(asked, model=model, sized=False), program, kind)
