"""The constraints, by what they look at. Each is a named function that gives its reason and its source."""

from __future__ import annotations

from torchsmith.choose.constraints import (
    approaches,
    cudnn,
    driver,
    gpu,
    numpy,
    packages,
    project,
    python,
    supply,
    system,
    toolkit,
    wishes,
)

ON_CANDIDATES = (
    system.published,
    system.machine,
    gpu.accelerator,
    gpu.gpu_code,
    driver.driver_knows_gpu,
    driver.driver,
    system.system,
    system.jetson,
    system.glibc,
    system.cpu,
    system.evidence,
    python.python,
    packages.packages,
    packages.left_out,
    numpy.numpy,
    cudnn.cudnn,
    *project.EVERY,
    wishes.torch,
    *supply.EVERY,
    toolkit.toolkit,
    toolkit.host_compiler,
)
"""On candidates, the most telling first: this is the order in which reasons are given."""

ON_APPROACHES = approaches.EVERY
"""On approaches."""
