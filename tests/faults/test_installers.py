"""F08, F09, E03: installers that lie, hang, die or write through a hard link, and too little memory."""

import resource
import sys
from pathlib import Path

import pytest
from tests.faults.ground import Ground, forked
from tools.faults import scenarios

from torchsmith.model.errors import TorchsmithError
from torchsmith.model.record import replace
from torchsmith.model.transaction import Run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the small environment is one of Linux")


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("nothing", "not what was expected"),  # exit status 0, nothing done
        ("half", "not what was expected"),  # exit status 0, one package of three
        ("fails-after", "a step failed (install torch"),  # exit status 1, everything done
        ("killed", "a step failed (install torch"),
        ("hangs", "no end in 1 s"),
    ],
)
def test_verification_decides_and_not_what_the_installer_says(tmp_path: Path, how: str, told: str) -> None:
    ground = Ground(tmp_path)
    asked = replace(ground.transaction, runs=(Run(scenarios.quick(ground.bench, how), "install torch", limit=1.0),))
    outcome = ground.apply(asked)
    assert (outcome.status, outcome.exit_code) == ("failed", 5)
    assert told in outcome.problem
    ground.old()
    assert ground.apply().status == "done"
    assert ground.new()


def test_an_installer_that_writes_in_place_does_not_reach_what_is_live(tmp_path: Path) -> None:
    """Through a hard link it would: then the run stops, says which file, and what is live is what it was."""
    ground = Ground(tmp_path)
    asked = replace(ground.transaction, runs=(Run(scenarios.quick(ground.bench, "in-place"), "install torch"),))
    outcome = ground.apply(asked)
    if outcome.status == "done":  # copied or reflinked: there is nothing to write through
        assert outcome.mode in {"reflink", "copy"}
        assert ground.new()
        return
    assert outcome.status == "failed"
    assert "was changed while its copy was" in outcome.problem


@pytest.mark.slow
@pytest.mark.parametrize("extra", [2, 6, 12, 24, 48, 96])
def test_too_little_memory(tmp_path: Path, extra: int) -> None:
    """The limit holds for us and for every program that is started; F09's kill of a child is one of F01's."""
    ground = Ground(tmp_path)

    def starved() -> int:
        now = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + (extra << 20), now + (extra << 20)))
        try:
            return 0 if ground.apply().status == "done" else 5
        except (TorchsmithError, MemoryError):
            return 5

    code = forked(starved)
    ground.resume()
    if code == 0:
        assert ground.new()
    else:
        ground.old()
        assert ground.apply().status == "done"
