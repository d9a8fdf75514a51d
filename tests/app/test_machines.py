"""``--machine``: shipped profiles, files of one's own, and what is wrong with either."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from torchsmith import cli
from torchsmith.app import asked, assume, check, machines
from torchsmith.host.replay import ReplayHost
from torchsmith.model.errors import TorchsmithError, UnreadableInputError, UsageError
from torchsmith.model.known import Known


@pytest.mark.parametrize("name", machines.shipped())
def test_a_shipped_profile_describes_a_whole_machine(name: str) -> None:
    items = machines.assumptions(name, ())
    host, given = asked.evidence(ReplayHost({}), None, None, items)
    facts = check.check(host, given, detail=True).facts
    for fact in ("machine", "gpus", "interpreter", "environment", "driver", "memory"):
        assert isinstance(facts[fact], Known), fact
    assert isinstance(facts["jetson"], Known) or "jetpack" not in name


def test_there_are_profiles_for_common_machines() -> None:
    names = machines.shipped()
    assert len(names) >= 14
    assert {"rtx5070ti-win11", "gtx1080ti-ubuntu2204", "gb10-dgx-os", "orin-jetpack6", "m3-macos", "no-gpu-ci"} <= set(names)


def test_the_listing_names_every_profile_with_its_machine() -> None:
    lines = machines.listing().splitlines()
    assert [line.split()[0] for line in lines] == list(machines.shipped())
    assert "GeForce RTX 5070 Ti" in next(line for line in lines if line.startswith("rtx5070ti-win11"))


@pytest.mark.parametrize("written", ["rtx5070ti-win11", "profiles/rtx5070ti-win11.toml", "rtx5070ti-win11.toml"])
def test_a_shipped_profile_has_several_spellings(written: str) -> None:
    items = machines.assumptions(written, ())
    assert "gpu=GeForce RTX 5070 Ti" in items
    assert "driver=581.57" in items
    assert "os=windows" in items


def test_an_assumption_wins_over_the_profile() -> None:
    items = machines.assumptions("mixed-rtx5090-gtx1080ti", ("gpu=T4", "Driver=535.183.01"))
    assert not [item for item in items if item.startswith(("gpu=", "driver="))]
    assert "os=linux" in items
    given = assume.facts((*items, "gpu=T4", "driver=535.183.01"))
    assert isinstance(given["gpus"], Known)
    assert [device.sm for device in given["gpus"].value] == [75]


def test_musl_takes_the_place_of_the_profiles_glibc() -> None:
    items = (*machines.assumptions("rtx5090-ubuntu2404", ("libc=musl",)), "libc=musl")
    given = assume.facts(items)
    assert isinstance(given["machine"], Known)
    assert (given["machine"].value.libc, given["machine"].value.libc_version) == ("musl", "")


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "lab.toml"
    file.write_text(
        '[machine]\ngpu = ["RTX 5090", "RTX 4090"]\ndriver = "580.95.05"\nos = "linux"\nram = 64\npackage = "numpy==1.26.4"\n'
    )
    assert machines.assumptions(str(file), ()) == (
        "gpu=RTX 5090",
        "gpu=RTX 4090",
        "driver=580.95.05",
        "os=linux",
        "ram=64",
        "package=numpy==1.26.4",
    )


def test_a_file_of_ones_own_may_bear_the_name_of_a_shipped_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "no-gpu-ci.toml").write_text('[machine]\nos = "windows"\n')
    assert machines.assumptions("no-gpu-ci.toml", ()) == ("os=windows",)
    assert "os=linux" in machines.assumptions("no-gpu-ci", ())


# What stands in the file, and what the refusal says.
BROKEN = (
    ("gpu = 1", "[machine]"),
    ("[machine]\n[other]\n", "other"),
    ("[machine]\nglib = '2.35'", "glib"),
    ("[machine]\nproject = '/etc'", "project"),
    ("[machine]\npython = 3.10", "in quotes"),
    ("[machine]\ndriver = ['580.95', '570.10']", "driver"),
    ("[machine]\ngpu = []", "gpu"),
    ("[machine]\ngpu = [{}]", "gpu"),
    ("[machine]\nos = true", "os"),
    ("[machine", "TOML"),
    ("[machine]\nram = " + "9" * 5000, "TOML"),
    ("[machine]\na = " + "[" * 5000, "TOML"),
)


@pytest.mark.parametrize(("text", "said"), BROKEN)
def test_a_broken_profile_is_one_error(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(TorchsmithError, match=said.replace("[", r"\[")) as refused:
        machines.assumptions(str(file), ())
    assert refused.value.exit_code == 2
    assert "\n" not in str(refused.value)


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInputError, match="cannot be read"):
        machines.assumptions(str(tmp_path / "missing.toml"), ())
    huge = tmp_path / "huge.toml"
    huge.write_bytes(b"# " + b"x" * (1 << 20))
    with pytest.raises(UnreadableInputError, match="64 KiB"):
        machines.assumptions(str(huge), ())
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(UnreadableInputError, match="UTF-8"):
        machines.assumptions(str(binary), ())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_profile_is_a_plain_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    before = time.monotonic()
    for path in (str(pipe), "/dev/zero"):
        with pytest.raises(UnreadableInputError, match="no plain file"):
            machines.assumptions(path, ())
    assert time.monotonic() - before < 2


def test_an_unknown_name_gets_the_nearest_and_the_list() -> None:
    with pytest.raises(UsageError, match="the nearest are rtx5070ti-win11") as refused:
        machines.assumptions("rtx5070ti-win", ())
    assert "no-gpu-ci" in str(refused.value)


@pytest.mark.parametrize("words", [["plan", "--machine", "list"], ["why-not", "cu124", "--machine", "list"]])
def test_the_command_line_lists_them(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(words) == 0
    assert capsys.readouterr().out == machines.listing()


def test_the_command_line_refuses_an_unknown_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["plan", "--machine", "no-such-machine"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: no machine is known as")
    assert told.err.count("\n") == 1
