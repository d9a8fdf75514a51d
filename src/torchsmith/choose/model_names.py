"""Which model is asked about, and how it is to run: ``whisper:large-v2@faster-whisper``, ``7b@bf16``, ``70b@nf4:training``."""

from __future__ import annotations

from torchsmith.knowledge import models
from torchsmith.model.errors import UsageError
from torchsmith.model.fit import USES
from torchsmith.model.pattern import pattern
from torchsmith.model.record import record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchsmith.knowledge.models import Implementation, Model, NumberType
    from torchsmith.model.weights import Weights

_SIZE = pattern(r"([0-9]{1,5}(?:\.[0-9]{1,3})?)(b|m)")
_SIZED = pattern(r"(?:^|[-_:])([0-9]{1,4}(?:\.[0-9]{1,3})?)(b|m)(?:$|[-_:])")
_SPLIT = pattern(r"[:,+\s]+")
_NUMBER = pattern(r"(ctx|context|tokens|batch|items)=([0-9]{1,8})(k?)")
_WORDS_OF_USES = {
    "train": "training",
    "full": "training",
    "finetune": "training",
    "fine-tune": "training",
    "finetuning": "training",
    "fine-tuning": "training",
    "peft": "lora",
    "adapter": "lora",
    "infer": "inference",
    "serve": "inference",
}
TRAINED = ("bf16", "fp16", "fp32")
"""Number types that all parameters can be trained in; others stay frozen beside an adapter."""

MOST = 1 << 24
"""Tokens or items that may be asked for."""

LARGEST = 10_000_000
"""Millions of parameters that a model may have: several times the largest that there is."""

_DRESSING = frozenset(("instruct", "chat", "it", "hf", "base", "gguf", "safetensors", "model", "ct2", "bnb"))
"""Endings of names that say nothing of the size."""


@record
class Asked:
    """A question taken apart: the model, and what was named of how it is to run; empty means that it was not.

    ``tokens`` is the context of one request, ``items`` how many are worked on at once. ``sized`` says that the model is known
    by its number of parameters alone.
    """

    text: str
    model: Model
    number_types: tuple[NumberType, ...] = ()
    implementations: tuple[Implementation, ...] = ()
    use: str = USES[0]
    tokens: int | None = None
    items: int | None = None
    sized: bool = False
    weights: Weights | None = None


def parse(text: str, weights: Weights | None = None) -> Asked:
    """The question; of a local file what its header told stands in ``weights``, and ``text`` may go on behind an ``@``.

    Raises:
        UsageError: it names no model, number type, program or use that is known.

    """
    name, _, options = text.strip().lower().rpartition("@") if "@" in text else (text.strip().lower(), "", "")
    words = [word for word in _SPLIT.split(options) if word]
    if weights is not None:
        return _with_options(Asked(text, _of_file(weights), weights=weights), words)
    found, more = _model(name)
    if found is None:
        raise UsageError(_unknown("model", name, _names(), "7b, llama-3.1-8b, whisper:large-v2, or a file"))
    sized = found.source == "project"
    return _with_options(Asked(text, found, sized=sized), [*more, *words])


def _with_options(asked: Asked, words: Iterable[str]) -> Asked:
    for word in words:
        asked = _with_number(asked, word) or _with_word(asked, word)
    if asked.use == "training" and asked.number_types and not any(kind.name in TRAINED for kind in asked.number_types):
        asked = replace(asked, use="lora")
    for program in asked.implementations:
        wrong = [kind.name for kind in asked.number_types if kind.name not in program.number_types]
        if wrong and asked.weights is None:
            raise UsageError(f"`--model {asked.text}`: {program.name} runs {', '.join(program.number_types)}, not {wrong[0]}")
    return asked


def _with_number(asked: Asked, word: str) -> Asked | None:
    """``ctx=8k``, ``batch=4``; None for any other word."""
    numbered = _NUMBER.fullmatch(word)
    if not numbered:
        return None
    amount = int(numbered[2]) * (1024 if numbered[3] else 1)
    if not 0 < amount <= MOST:
        raise UsageError(f"`--model {asked.text}`: {word} is out of range")
    return replace(asked, **{"items" if numbered[1] in {"batch", "items"} else "tokens": amount})


def _with_word(asked: Asked, word: str) -> Asked:
    use = _WORDS_OF_USES.get(word, word)
    if use in USES:
        return replace(asked, use=use)
    if kind := _by_name(word, models.types()):
        return replace(asked, number_types=(*asked.number_types, kind), use="lora" if word == "qlora" else asked.use)
    if program := _program(word, asked.model.family):
        return replace(asked, implementations=(*asked.implementations, program))
    known = [*USES]
    for listed in models.types():
        known += [listed.name, *listed.aliases]
    for runs in models.implementations():
        known += [runs.name, *runs.aliases]
    raise UsageError(_unknown("number type, program or use", word, known, "bf16, int8, nf4, faster-whisper, training"))


def _unknown(what: str, word: str, known: Iterable[str], examples: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, list(dict.fromkeys(known)), n=3, cutoff=0.6)
    return f"no {what} is known as `{word}`" + (f"; the nearest are {', '.join(near)}" if near else f"; write {examples}")


def _by_name(word: str, items: Iterable[NumberType]) -> NumberType | None:
    return next((item for item in items if word == item.name or word in item.aliases), None)


def _program(word: str, family: str) -> Implementation | None:
    """The program of this name for the family of the model: ``transformers`` runs both."""
    of_family = [item for item in models.implementations() if item.family == family]
    exact = next((item for item in of_family if word == item.name or word in item.aliases), None)
    return exact or next((item for item in of_family if item.name == f"{word}-{family}"), None)


def _names() -> list[str]:
    return [name for model in models.every() for name in (model.name, model.name.partition(":")[2], *model.aliases) if name]


def _model(name: str) -> tuple[Model | None, list[str]]:
    """The model of a name, and options that stand in the name: ``7b:training``, ``faster-whisper:large-v2``, ``...-awq``."""
    plain = name.rpartition("/")[2].replace("_", "-").replace(" ", ":")
    if found := _exact(plain):
        return found, []
    head, _, tail = plain.partition(":")
    if tail and (program := _program(head, "whisper")) and (found := _exact(tail)):
        return found, [program.name]
    if tail and (found := _model(head)[0]):
        return found, [word for word in tail.split(":") if word]
    options: list[str] = []
    parts = plain.split("-")
    while len(parts) > 1 and (parts[-1] in _DRESSING or parts[-1][:2] in {"v0", "v1"} or _by_name(parts[-1], models.types())):
        last = parts.pop()
        if _by_name(last, models.types()):
            options.append(last)
        if found := _exact("-".join(parts)):
            return found, options
    size = _SIZED.search(plain)
    return (_of_size(float(size[1]), size[2], plain), options) if size else (None, [])


def _exact(name: str) -> Model | None:
    if size := _SIZE.fullmatch(name):
        return _of_size(float(size[1]), size[2], name)
    spoken = {name, name.replace("whisper-", "whisper:", 1), f"whisper:{name}"}
    return next((model for model in models.every() if spoken & {model.name, *model.aliases, *_prefixed(model)}), None)


def _prefixed(model: Model) -> list[str]:
    return [f"{model.family}:{alias}" for alias in model.aliases] if model.family == "whisper" else []


def _of_size(number: float, unit: str, name: str) -> Model | None:
    millions = round(number * (1000 if unit == "b" else 1))
    if millions > LARGEST:
        raise UsageError(f"`{name}`: no model has so many parameters; {LARGEST // 1_000_000}000b is the most that is answered")
    return models.Model(name, (), "llm", millions, None, None, None, None, None, "project") if millions else None


def _of_file(weights: Weights) -> Model:
    millions = max(1, (weights.parameters or weights.bytes // 2) // 1_000_000)
    name = weights.path.replace("\\", "/").rpartition("/")[2] or weights.format
    shape = (weights.layers, weights.kv_heads, weights.head_dim, weights.hidden)
    family = "whisper" if weights.architecture == "whisper" else "llm"
    return models.Model(name, (), family, millions, *shape, None, "wheel")
