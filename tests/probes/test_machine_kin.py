"""A distribution that a table does not name is treated as its nearest relative."""

from __future__ import annotations

import pytest

from torchsmith.probes.machine import parse_linux

PLATFORM = {"os": "linux", "machine": "x86_64", "release": "6.8.0", "user_id": 1000}


@pytest.mark.parametrize(
    ("os_release", "names", "kin"),
    [
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', {"ubuntu", "debian"}, "ubuntu"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', {"fedora", "debian"}, "fedora"),
        ("ID=ubuntu\nID_LIKE=debian\n", {"debian", "ubuntu"}, "ubuntu"),
        ("ID=alpine\n", {"debian"}, ""),
        ("", {"debian"}, ""),
    ],
)
def test_kin(os_release: str, names: set[str], kin: str) -> None:
    assert parse_linux(PLATFORM, os_release, "glibc 2.39").kin(names) == kin
