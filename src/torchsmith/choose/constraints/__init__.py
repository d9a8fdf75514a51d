"""The constraints, by what they look at. Each is a named function that gives its reason and its source."""

from __future__ import annotations

from torchsmith.choose.constraints import driver, gpu, python, wishes

ON_CANDIDATES = (
    gpu.accelerator,
    gpu.gpu_code,
    driver.driver,
    driver.driver_knows_gpu,
    python.python,
    wishes.torch,
)
"""On candidates, the most telling first: this is the order in which reasons are given."""

ON_APPROACHES = ()
"""On approaches."""
