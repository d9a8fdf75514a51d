"""Who reads and answers what a text tells. Written by tools/compile_catalogue.py from the declarations; not by hand."""
# fmt: off

from __future__ import annotations

# cause -> module with its `told`
TOLD: dict[str, str] = {
    "out-of-memory": "torchsmith.rules.not_environment.out_of_memory",
    "user-code-bug": "torchsmith.rules.not_environment.user_code_bug",
}

# signature -> module and function
READINGS: dict[str, tuple[str, str]] = {
    "no-kernel-image": ("torchsmith.rules.readings.no_kernel_image", "causes"),
}
