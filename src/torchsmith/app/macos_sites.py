"""What macOS binaries of an inspected folder need: the process around them, told from the folders, then the simulation."""

from __future__ import annotations

from torchsmith.derive.macos_loader import Image, MacProcess
from torchsmith.derive.macos_needs import MacSite, commonest_machine, macos_needs
from torchsmith.model.known import Known
from torchsmith.model.paths import normal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torchsmith.app.foreign_sites import Sites
    from torchsmith.model.facts.python import Interpreter
    from torchsmith.model.inspected import BinaryObject
    from torchsmith.model.library_needs import LibraryNeeds

ROUNDS = 8
"""A library that lies outside of what was inspected may lead to another one; so often it is followed."""
LOOKED_LIMIT = 20_000
"""Places outside that are looked at."""


def needs(sites: Sites, site: str, interpreter: Interpreter | None, *, here: bool) -> LibraryNeeds:
    """The needs of the entries of one site; ``here`` says that this is the Mac that they would run on."""
    objects = sites.shown[site]
    images = {path: _image(path, sites.binaries[path]) for path in objects}
    looked = set(images)
    program = normal(interpreter.executable) if interpreter else ""
    real = sites.host.real(program) if program else None
    program = normal(real.value) if isinstance(real, Known) else program
    torch = f"{site}/torch"
    names = sites.names(torch)
    opened = [f"{torch}/lib/libtorch_global_deps.dylib"] if "version.py" in names else []
    opened += [f"{torch}/{name}" for low, name in names.items() if low.startswith("_c.") and low.endswith(".so")]
    _describe(sites, images, looked, filter(None, (program, *opened)))
    variable = sites.host.variable("DYLD_LIBRARY_PATH") if here else None
    library_path = (variable.value if isinstance(variable, Known) else None) or ""
    made = MacSite(
        MacProcess(
            program=program,
            machine=commonest_machine(sites.binaries[path].machine for path in objects),
            library_path=tuple(normal(folder) for folder in library_path.split(":") if folder),
        ),
        torch=tuple(path for path in opened if path in images),
        folder=torch if opened else "",
    )
    for _ in range(ROUNDS):
        found, tried = macos_needs(made, images, objects)
        if not _describe(sites, images, looked, sorted(tried)):
            break
    return found


def _describe(sites: Sites, images: dict[str, Image], looked: set[str], paths: Iterable[str]) -> bool:
    """Add what lies at these paths and was not looked at yet; whether there was any."""
    before = len(images)
    for path in paths:
        if path in looked or len(looked) > LOOKED_LIMIT + len(sites.binaries):
            continue
        looked.add(path)
        answer = sites.host.binary("object", path) if sites.host.exists(path) else None
        if isinstance(answer, Known) and answer.value["format"] == "macho":
            found = answer.value
            images[path] = _made(path, found["machine"], found["soname"], found["needed"], found["delay_needed"], found["rpath"])
    return len(images) > before


def _image(path: str, binary: BinaryObject) -> Image:
    return _made(path, binary.machine, binary.soname, binary.needed, binary.delay_needed, binary.rpath)


def _made(path: str, machine: str, name: str | None, needed: Iterable[str], optional: Iterable[str], rpath: str | None) -> Image:
    machines = tuple(one for one in machine.split("+") if one)
    return Image(path, machines, name, tuple(needed), tuple(optional), tuple((rpath or "").split(":")) if rpath else ())
