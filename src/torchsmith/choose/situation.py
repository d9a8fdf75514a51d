"""What a constraint may look at: the facts that decide between builds, and the wishes."""

from __future__ import annotations

from torchsmith.model.choice import Wishes
from torchsmith.model.facts.gpu import Driver, Gpus
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.project import PastedProject
from torchsmith.model.facts.python import Environment, Interpreter, Packages, Variables
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Known, Unknown
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from torchsmith.model.known import Fact


@record
class Situation:
    """One machine, one environment, one project, one set of wishes.

    A fact that nobody could tell is Unknown; a constraint then answers with a Risk, never with a Reason.
    ``others`` holds the facts that few constraints ask for, by name. ``reinstall`` says that the installed torch is
    broken: the same build counts only if it is installed anew.
    """

    machine: Machine
    interpreter: Interpreter | Unknown
    environment: Environment | Unknown
    gpus: Gpus | Unknown
    driver: Driver | Unknown | None
    torch: Torch | Unknown | None
    packages: Packages
    project: PastedProject
    wishes: Wishes
    others: Any
    reinstall: bool = False

    @property
    def windows_driver(self) -> bool:
        """Whether the driver is numbered as on Windows: inside WSL it is Windows' own."""
        return self.machine.os == "windows" or self.machine.wsl is not None

    @property
    def python(self) -> str | None:
        """The Python of the environment: ``3.12``, ``3.14t``; None where nobody could tell."""
        if not isinstance(self.interpreter, Interpreter) or "." not in self.interpreter.version:
            return None
        version = ".".join(self.interpreter.version.split(".")[:2])
        return version + ("t" if self.interpreter.free_threaded else "")

    @property
    def shell(self) -> str:
        """The shell that commands are written for: ``powershell``, ``bash`` or ``fish``."""
        if self.machine.os == "windows":
            return "powershell"
        variables = self.fact("variables")
        login = variables.get("SHELL") if isinstance(variables, Variables) else None
        return "fish" if (login or "").rpartition("/")[2] == "fish" else "bash"

    def fact(self, name: str) -> Any:
        """Any other fact's value: None for a known absence, an Unknown where nobody could tell or nobody asked."""
        found = self.others.get(name)
        return found.value if isinstance(found, Known) else found or Unknown("not asked")


def of(facts: Mapping[str, Fact[Any]], wishes: Wishes, *, reinstall: bool = False) -> Situation:
    """The situation that these facts describe; a machine that nobody could tell is taken for Linux on x86-64.

    ``machine_remarks`` says so beside the options.
    """

    def given(name: str) -> Any:
        fact = facts.get(name)
        return fact.value if isinstance(fact, Known) else fact or Unknown("not asked")

    machine, packages, project, gpus = given("machine"), given("packages"), given("pasted_project"), given("gpus")
    return Situation(
        machine if isinstance(machine, Machine) else Machine("linux", "x86_64"),
        given("interpreter") or Unknown("no interpreter"),
        given("environment") or Unknown("no environment"),
        Gpus(()) if gpus is None else gpus,
        given("driver"),
        given("torch"),
        packages if isinstance(packages, Packages) else Packages(()),
        project if isinstance(project, PastedProject) else PastedProject(),
        wishes,
        facts,
        reinstall,
    )
