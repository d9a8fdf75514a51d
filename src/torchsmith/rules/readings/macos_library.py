"""macOS' loader finds a library nowhere: whose library it is, and who asked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.rules.readings.asker import asker


@reading("macos-library-not-loaded")
def causes(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """A library of torch, asked for by torch itself, by a companion or by an extension; else a library of others."""
    library = complaint.captured.get("library", "")
    who = asker(complaint, seen)
    if re.search(r"lib(?:torch|c10|shm|caffe2)", library):
        if who.kind == "companion" or "torchvision" in complaint.text or "torchaudio" in complaint.text:
            yield Pointer("torchvision-mismatch", 0.8)
        elif who.kind == "torch":
            yield Pointer("torch-install-incomplete", 0.7)
        else:
            yield Pointer("extension-abi-mismatch", 0.6)
            yield Pointer("torch-install-incomplete", 0.3)
    elif re.search(r"lib(?:av|sw)\w", library):
        yield Pointer("torchcodec-mismatch", 0.7)
    elif re.search(r"lib(?:i|g)?omp", library):
        yield Pointer("torch-install-incomplete", 0.5)
        yield Pointer("duplicate-openmp-runtime", 0.3)
    elif who.kind == "companion" or re.search(r"torchvision|torchaudio", complaint.text):
        yield Pointer("torchvision-mismatch", 0.6)
    else:
        yield Pointer("torch-install-incomplete", 0.4)
        yield Pointer("extension-abi-mismatch", 0.25)
