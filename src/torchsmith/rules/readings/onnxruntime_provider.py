"""onnxruntime's CUDA provider does not load: is it of another CUDA than torch and the toolkit, or is cuDNN not there?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.model.versions import major
from torchsmith.rules.readings.asker import torch_cuda
from torchsmith.rules.readings.cudnn_not_found import major_of
from torchsmith.rules.readings.library_not_found import majors
from torchsmith.rules.readings.told import DRIVER_WORDS, of

_LIBRARY = re.compile(
    r"error: (lib[\w+-]{2,40}\.so(?:\.[\d.]{1,12})?): cannot open|Error loading \S{0,200}?(cu\w{2,20}64_\d{1,3}\.dll)"
)


@reading("onnxruntime-provider")
def causes(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """By the first library that it lacks, against the CUDA that is here."""
    named = [m[1] or m[2] for c in seen.complaints if c.signature == complaint.signature and (m := _LIBRARY.search(c.text))]
    library = named[0] if named else ""
    wanted = seen.captured("cuda", "onnxruntime-needs")
    theirs = majors(library) or ({int(wanted)} if wanted.isdigit() else set())
    here = torch_cuda(seen) or _toolkit(seen)
    if library.startswith("libcudnn") and major_of(library) == major(seen.package("nvidia-cudnn-cu12")):
        yield Pointer("cudnn-not-on-loader-path", 0.7)
        yield Pointer("missing-cudnn", 0.3)
    elif library.startswith("libcudnn"):
        yield Pointer("missing-cudnn", 0.55)
        yield Pointer("cudnn-major-mismatch", 0.5)
        yield Pointer("extension-cuda-major-mismatch", 0.2)
    elif theirs and here and here not in theirs:
        yield Pointer("extension-cuda-major-mismatch", 0.92)
    elif theirs and here:
        yield Pointer("cudnn-not-on-loader-path", 0.35)
        yield Pointer("missing-cudnn", 0.4)
        yield Pointer("missing-cuda-runtime-lib", 0.45 if library else 0.3)
    else:
        yield Pointer("extension-cuda-major-mismatch", 0.7)
        yield Pointer("missing-cudnn", 0.3)
        yield Pointer("cudnn-major-mismatch", 0.25)


def _toolkit(seen: Seen) -> int:
    """The CUDA major that the text speaks of, outside of onnxruntime's own words; 0 where it speaks of none."""
    known = seen.value("toolkits")
    if known and known.current and known.current.version:
        return major(known.current.version)
    own = {c.position.line for c in of(seen, "asks-onnxruntime", "onnxruntime-provider", "onnxruntime-needs")}
    said = [c for c in of(seen, "toolkit-named", "cuda-said") if c.captured.get("toolkit")]
    others = (c for c in said if c.position.line not in own or "." in c.captured["toolkit"])
    plain = (c for c in others if not any(word in c.text for word in DRIVER_WORDS))
    return next((major(c.captured["toolkit"]) for c in plain), 0)
