"""What a change of settings rests on, as it is looked up: home, variables, values of the registry with their types."""

from __future__ import annotations

import pytest
from tests.managers.options import option, place

from torchsmith.act.registry import MemoryRegistry, RegistryError
from torchsmith.app import settings
from torchsmith.host.local import LocalHost
from torchsmith.managers import transactions
from torchsmith.managers.windows_settings import SYSTEM
from torchsmith.model.known import Known

ENVIRON = {"HOME": "/home/me", "SHELL": "/bin/zsh", "CUDA_HOME": "/gone", "PATH": "/bin", "SECRET": "x"}


class Windows(LocalHost):
    """This machine, with the machine's own variables of another."""

    def registry(self, key: str, name: str = "") -> Known[str]:
        return Known(rf"C:\of the machine\{name}", f"{key}\\{name}")


def test_home_and_variables() -> None:
    seen = settings.seen(LocalHost(environ=ENVIRON), place())
    assert seen.home == "/home/me"
    assert dict(seen.values) == {name: ENVIRON[name] for name in ("SHELL", "CUDA_HOME", "PATH")}
    assert seen.registry == ()
    assert "/home/me/.zshenv" in transactions.wanted(option("user-path"), seen, {})


def test_values_keep_their_types_and_those_of_the_machine_are_beside_them() -> None:
    values = MemoryRegistry({("Environment", "PATH"): ("REG_SZ", r"C:\a"), ("Environment", "Other"): ("REG_SZ", "x")})
    seen = settings.seen(Windows(environ={}), place("windows", r"C:\e"), values)
    assert seen.registry[0] == ("Environment", "Path", "REG_SZ", r"C:\a")
    assert {name for key, name, *_ in seen.registry if key == SYSTEM} == {"Path", "CUDA_PATH", "CUDA_HOME"}
    assert len(seen.registry) == 4
    assert not [entry for entry in values.log if entry[0] != "read"]


def test_a_value_that_is_no_text() -> None:
    class Odd(MemoryRegistry):
        def read(self, key: str, name: str) -> tuple[str, str] | None:
            raise RegistryError(f"{key}\\{name} is of type 3, no text: it is left as it is")

    with pytest.raises(RegistryError, match="no text") as raised:
        settings.seen(Windows(environ={}), place("windows"), Odd())
    assert raised.value.exit_code == 2
