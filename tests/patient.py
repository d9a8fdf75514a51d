"""A small environment on disk, laid out as installers do, and its diagnosis beside an assumed machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torchsmith.app import check
from torchsmith.host.local import LocalHost
from torchsmith.model.diagnosis import Diagnosis
from torchsmith.model.facts.gpu import Device, Driver, Gpus
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Interpreter, Target
from torchsmith.model.facts.torch import TorchGpuCode
from torchsmith.model.gpu_code import Group
from torchsmith.model.known import Fact, Known

LINUX = Machine(os="linux", arch="x86_64", libc="glibc", libc_version="2.36")
WINDOWS = Machine(os="windows", arch="x86_64", windows_build=22631)
ARM = Machine(os="linux", arch="aarch64", libc="glibc", libc_version="2.36")
RTX3060 = Device(0, "NVIDIA GeForce RTX 3060", 86)


def gpu(sm: int, index: int = 0, name: str = "NVIDIA GPU") -> Device:
    return Device(index, name, sm)


def code(*groups: tuple[str, int]) -> TorchGpuCode:
    """GPU code from texts such as ``sm_80 sm_90 compute_90`` and the count of kernel groups with exactly that."""
    made = []
    for text, count in groups:
        words = text.split()
        sass, ptx = tuple(w for w in words if w.startswith("sm_")), tuple(w for w in words if w.startswith("compute_"))
        made.append(Group(sass, ptx, count))
    sass_all = tuple(dict.fromkeys(arch for group in made for arch in group.sass))
    ptx_all = tuple(dict.fromkeys(arch for group in made for arch in group.ptx))
    return TorchGpuCode("torch/lib/libtorch_cuda.so", tuple(made), sass_all, ptx_all)


@dataclass
class Patient:
    """An environment under ``root``; ``given`` are the facts of its machine that tests assume."""

    root: Path
    machine: Machine = LINUX
    gpus: tuple[Device, ...] = (RTX3060,)
    driver: Driver | None = field(default_factory=lambda: Driver("580.95.05", "580.95.05", "13.0", True))
    gpu_code: TorchGpuCode | None = None
    kind: str = "venv"
    user: bool = False
    environ: dict[str, str] = field(default_factory=dict)
    found_by: str = "VIRTUAL_ENV"

    @property
    def prefix(self) -> Path:
        return self.root / "env"

    @property
    def site(self) -> Path:
        return self.prefix / "lib/python3.12/site-packages"

    @property
    def user_site(self) -> Path:
        return self.root / "home/.local/lib/python3.12/site-packages"

    @property
    def cwd(self) -> Path:
        return self.root / "work"

    def write(self, path: Path | str, text: str = "") -> Path:
        """A file below the site-packages, or anywhere by its whole path."""
        place = self.site / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        return place

    def record(
        self,
        name: str,
        version: str,
        *,
        installer: str = "pip",
        requested: bool = True,
        requires: str = "",
        site: Path | None = None,
    ) -> None:
        """A dist-info folder."""
        folder = (site or self.site) / f"{name.replace('-', '_')}-{version}.dist-info"
        self.write(folder / "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}\n\nAbout it.\n")
        self.write(folder / "INSTALLER", f"{installer}\n")
        if requested:
            self.write(folder / "REQUESTED")

    def torch(
        self,
        version: str = "2.8.0+cu128",
        recorded: str | None = None,
        *,
        installer: str = "pip",
        requested: bool = True,
        site: Path | None = None,
    ) -> None:
        """torch's few files that are read; ``recorded`` is the version of its dist-info."""
        folder = (site or self.site) / "torch"
        label = version.partition("+")[2]
        cuda = f"'{int(label[2:-1])}.{label[-1]}'" if label.startswith("cu") else "None"
        text = (
            "from typing import Optional\n\n__all__ = ['__version__', 'debug', 'cuda', 'git_version', 'hip']\n"
            f"__version__ = '{version}'\ndebug = False\ncuda: Optional[str] = {cuda}\n"
            "git_version = 'ba56102387ef21a3b04b357e5b183d48f0afefc7'\nhip: Optional[str] = None\n"
        )
        self.write(folder / "version.py", text)
        self.write(folder / "__init__.py", "raise RuntimeError('nobody imports me')\n")
        self.write(folder / "_C.cpython-312-x86_64-linux-gnu.so")
        self.record("torch", recorded or version, installer=installer, requested=requested, site=site)

    def companion(self, name: str, version: str, recorded: str | None = None) -> None:
        self.write(f"{name}/version.py", f"__version__ = '{version}'\ngit_version = 'unknown'\n")
        self.record(name, recorded or version)

    def check(self, *select: str, **given: Any) -> Diagnosis:
        """Its diagnosis; ``given`` facts take the place of those that the machine above has."""
        self.cwd.mkdir(parents=True, exist_ok=True)
        self.site.mkdir(parents=True, exist_ok=True)
        home = self.root / "home"
        environ = {"PATH": str(self.prefix / "bin"), "HOME": str(home)} | self.environ
        facts: dict[str, Fact[Any]] = {
            name: value if isinstance(value, Known) or type(value).__name__ == "Unknown" else Known(value, "assumed by the test")
            for name, value in (self._facts(environ) | given).items()
        }
        return check.check(LocalHost(root=str(self.root / "system"), environ=environ, cwd=str(self.cwd)), facts, select)

    def _facts(self, environ: dict[str, str]) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "machine": self.machine,
            "gpus": Gpus(self.gpus, "NVML"),
            "driver": self.driver,
            "target": Target(str(self.prefix / "bin/python"), self.found_by),
            "interpreter": self.interpreter(environ),
            "nvidia_libraries": Known(None, "assumed by the test"),
        }
        return facts | ({"torch_gpu_code": self.gpu_code} if self.gpu_code else {})

    def interpreter(self, environ: dict[str, str]) -> Interpreter:
        """As the interpreter probe would have it."""
        asked = tuple(entry for entry in environ.get("PYTHONPATH", "").split(":") if entry)
        user = (str(self.user_site),) if self.user else ()
        return Interpreter(
            executable=str(self.prefix / "bin/python"),
            version="3.12.4",
            prefix=str(self.prefix),
            base_prefix="/usr",
            bits=64,
            machine="x86_64",
            platform="linux",
            kind=self.kind,
            search_path=(str(self.cwd), *asked, "/usr/lib/python3.12", *user, str(self.site)),
            site_packages=(str(self.site),),
            user_site=user[0] if user else None,
            stdlib="/usr/lib/python3.12",
            folder=str(self.cwd),
            pythonpath=asked,
        )


def roots(diagnosis: Diagnosis) -> list[str]:
    return [finding.cause for finding in diagnosis.root_causes]


def symptoms(diagnosis: Diagnosis) -> list[str]:
    return [finding.cause for finding in diagnosis.symptoms]
