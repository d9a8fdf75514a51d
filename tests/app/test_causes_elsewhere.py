"""Where a variable comes from that no torch can cure: files, lines, and nothing that only looks like it."""

from pathlib import Path

import pytest

from torchsmith.app import causes_elsewhere
from torchsmith.host.local import LocalHost

NAME = "LD_LIBRARY_PATH"


@pytest.mark.parametrize(
    ("line", "sets"),
    [
        ("export LD_LIBRARY_PATH=/opt/cuda/lib64", True),
        ("LD_LIBRARY_PATH=/opt/cuda/lib64", True),
        ("export LD_LIBRARY_PATH=", True),
        ("  export   LD_LIBRARY_PATH=$LD_LIBRARY_PATH:/x", True),
        ("set -gx LD_LIBRARY_PATH /opt/cuda/lib64", True),
        ("declare -x LD_LIBRARY_PATH=/x", True),
        ("# export LD_LIBRARY_PATH=/opt", False),
        ("export MY_LD_LIBRARY_PATH=/opt", False),
        ("export LD_LIBRARY_PATH_OLD=/opt", False),
        ("echo $LD_LIBRARY_PATH", False),
        ("export OTHER=$LD_LIBRARY_PATH", False),
        ("unset LD_LIBRARY_PATH", False),
        ("export LD_LIBRARY_PATH", False),
        ("", False),
    ],
)
def test_a_line_that_sets_it(line: str, sets: bool) -> None:
    assert [bool(found) for found in causes_elsewhere.lines(line, NAME)] == [sets]


def test_the_file_and_the_line_are_named(tmp_path: Path) -> None:
    (tmp_path / ".bashrc").write_text("# mine\nexport LD_LIBRARY_PATH=/opt/cuda/lib64\n")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / ".envrc").write_text("export LD_LIBRARY_PATH=/x\n")
    host = LocalHost(environ={"HOME": str(tmp_path), "PATH": ""}, cwd=str(tmp_path / "work"))
    found = [said for said in causes_elsewhere.where(NAME, host) if str(tmp_path) in said]
    assert found == [
        f"{NAME} is set in {tmp_path}/.bashrc, line 2: export LD_LIBRARY_PATH=/opt/cuda/lib64",
        f"{NAME} is set in {tmp_path}/work/.envrc, line 1: export LD_LIBRARY_PATH=/x",
    ]
