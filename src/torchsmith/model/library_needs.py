"""What the objects of an environment need of other libraries: the files to look at, and the answers."""

from __future__ import annotations

from torchsmith.model.facts.libraries import TorchLibraries
from torchsmith.model.inspection import Need
from torchsmith.model.record import record


@record
class ObjectFiles:
    """Every file that may answer a name which some objects ask for.

    ``libraries`` holds the files, and what the interpreter and torch open before (torch's part is empty where ``torch`` is
    False); ``objects`` are the paths that are asked about.
    """

    libraries: TorchLibraries
    objects: tuple[str, ...]
    torch: bool = False


@record
class ObjectNeeds:
    """What one object asks for itself, in order, then what it opens when first used (optional).

    ``after_torch`` says that it is opened by torch, or in a process that has imported it: it needs torch's libraries.
    ``missing`` names all that nothing answers when it is opened, also what its libraries ask for, each with who asks.
    """

    path: str
    needs: tuple[Need, ...] = ()
    after_torch: bool = False
    missing: tuple[tuple[str, tuple[str, ...]], ...] = ()


@record
class MissingLibrary:
    """A name that nothing answers.

    ``needed_by`` are the files that ask for it, ``stops`` the objects that cannot be opened for it. ``pip`` is the package
    that brings it, ``debian`` and ``fedora`` the system's; ``note`` says what else it comes with, such as the driver.
    ``elsewhere`` are files of that name where the loader does not look; ``after_torch`` is the one that answers once torch
    was imported. ``later`` marks what is opened only when first used. ``fault`` tells of a file that is taken and cannot be
    loaded.
    """

    name: str
    needed_by: tuple[str, ...]
    stops: tuple[str, ...] = ()
    pip: str = ""
    debian: str = ""
    fedora: str = ""
    note: str = ""
    elsewhere: tuple[str, ...] = ()
    after_torch: str = ""
    later: bool = False
    fault: str = ""


@record
class Condition:
    """What the machine must have besides the environment: ``by`` (a redistributable, a driver) from version ``since`` on.

    ``names`` are the libraries that come with it, ``needed_by`` the objects that are loaded with them.
    """

    by: str
    since: str
    names: tuple[str, ...]
    needed_by: tuple[str, ...]


@record
class Together:
    """Files of one component (cudnn, nccl, cublas, cudart, openmp) that one process loads, and the objects that do it."""

    component: str
    files: tuple[str, ...]
    objects: tuple[str, ...]


@record
class Mixed:
    """Copies or versions of one component in one process that must not meet there; a version is empty where nothing says it."""

    component: str
    files: tuple[tuple[str, str], ...]
    objects: tuple[str, ...]
    why: str


@record
class LibraryNeeds:
    """The answer for all objects.

    ``torch_fails`` names what keeps torch itself from being imported; ``musl`` says that it was musl's loader. ``skipped``
    counts the objects that were one too many to simulate.
    """

    objects: tuple[ObjectNeeds, ...]
    missing: tuple[MissingLibrary, ...] = ()
    together: tuple[Together, ...] = ()
    torch_fails: tuple[str, ...] = ()
    musl: bool = False
    conditions: tuple[Condition, ...] = ()
    skipped: int = 0

    def of(self, path: str) -> ObjectNeeds | None:
        """What the object at ``path`` needs."""
        return next((found for found in self.objects if found.path == path), None)
