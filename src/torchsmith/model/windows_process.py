"""A Windows process that loads DLLs: what is known of it, and what its loader answers."""

from __future__ import annotations

from torchsmith.model.record import record

BESIDE, STANDARD, ALTERED = "beside", "standard", "altered"
r"""Ways of loading a DLL by its full path.

``beside``: LoadLibraryEx with 0x1100, as Python 3.8 and newer load extension modules and ctypes, and torch its DLLs: the
folder of the DLL, the program's, those of os.add_dll_directory, System32. ``standard``: plain LoadLibrary: the program's
folder, System32, Windows, the current folder, PATH. ``altered``: LOAD_WITH_ALTERED_SEARCH_PATH, as older Pythons: the same
with the folder of the DLL in the program's place.
"""


@record
class Dll:
    """A DLL, extension module or program as its own headers describe it."""

    path: str
    """With ``/`` between folders."""
    machine: str = ""
    """``x86_64``, ``aarch64``, ``arm64x`` ...; "" where it is not known."""
    needed: tuple[str, ...] = ()
    delay_needed: tuple[str, ...] = ()
    forwards: tuple[str, ...] = ()
    """DLLs that answer for exports of this one."""
    system_only: bool = False
    """Whether it asks to have its own imports looked up in System32 only (``DependentLoadFlags`` 0x800)."""

    @property
    def folder(self) -> str:
        """Where it lies."""
        return self.path.rpartition("/")[0]


@record
class Added:
    """A folder that was given to os.add_dll_directory, and which package did so."""

    folder: str
    by: str


@record
class WindowsProcess:
    """The folders of a process, and what else decides which DLL it gets.

    Folders are spelled as the paths of the DLLs are; case does not count.
    """

    program: str = ""
    """The folder of python.exe, the base one's in a virtual environment; "" where nobody looked into it."""
    brings: tuple[str, ...] = ()
    """DLLs that lie beside python.exe, where nobody looked into its folder."""
    added: tuple[Added, ...] = ()
    """In the order in which they were added."""
    search: tuple[str, ...] = ()
    """PATH."""
    system: str = "C:/Windows/System32"
    cwd: str = ""
    machine: str = "x86_64"
    listed: tuple[str, ...] | None = None
    """Names in this machine's System32; None: what every Windows has is asked instead."""
    redistributable: str = ""
    """The version of the installed Visual C++ redistributable; "" where it is not known."""


@record
class Start:
    """A DLL that is loaded by its path, how, and the folders that are put before PATH for a second, standard attempt."""

    path: str
    way: str = BESIDE
    retry: tuple[str, ...] | None = None


@record
class Answer:
    """One name that was asked for, and what the loader answers it with.

    ``path`` is empty where nothing does and for API sets, which are no files. ``how`` is ``beside``, ``program``, ``added by
    X``, ``System32``, ``KnownDLLs``, ``API set``, ``Windows``, ``current folder``, ``PATH``, ``second attempt``, or empty.
    """

    name: str
    path: str = ""
    how: str = ""
    needed_by: tuple[str, ...] = ()
    later: bool = False
    """Asked for only when a function of it is first called: delay-loaded, or behind a forwarder."""
    others: tuple[str, ...] = ()
    """Files of the same name in folders that are searched later, or would be in another search order."""
    on_path: str = ""
    """Where PATH has it, though PATH is not searched: a program that loads it another way would find it."""
    provider: str = ""
    """The package, redistributable or driver that brings it, where that is known."""
    condition: str = ""
    """What the machine must have for the answer to hold; "" where it holds on every Windows, or was seen."""
    fault: str = ""
    """Why the file that is taken cannot be loaded, such as one for another processor."""
    unordered: bool = False
    """Whether two added folders have it: Windows does not promise which is searched first."""

    @property
    def found(self) -> bool:
        """Whether anything answers."""
        return bool(self.how)
