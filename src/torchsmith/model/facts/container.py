"""What stands between this Linux and the GPU's driver: a container, WSL, Nix's store, a Jetson's own driver."""

from __future__ import annotations

from torchsmith.model.record import record


@record
class Container:
    """The container that this process runs in: ``kind`` is docker, podman, kubernetes, apptainer, lxc, or empty if unsure.

    ``marks`` are what shows it; ``snap`` tells that the Docker outside came from a snap; ``image`` holds the variables by
    which CUDA images name themselves (NVIDIA_REQUIRE_CUDA, CUDA_VERSION).
    """

    kind: str
    marks: tuple[str, ...]
    snap: bool = False
    image: tuple[str, ...] = ()


@record
class Wsl:
    """WSL's side of the driver: ``dxg`` the device that reaches Windows' driver, ``library`` its libcuda in /usr/lib/wsl/lib.

    ``linux_libraries`` are driver libraries that a Linux package put into the system's folders; ``windows_build`` is asked only
    where CUDA does not start.
    """

    version: int
    dxg: bool = False
    library: bool = False
    linux_libraries: tuple[str, ...] = ()
    windows_build: int | None = None


@record
class Jetson:
    """An NVIDIA Jetson: its model as the device tree names it, and the release of Jetson Linux (L4T), such as 36.4.3."""

    model: str = ""
    l4t: str = ""


@record
class Nix:
    """What of this environment lives in Nix's store, and where a program from there would find libcuda.

    ``torch`` is torch's folder in the store, empty if it lies elsewhere; ``driver_link`` tells of
    /run/opengl-driver/lib/libcuda.so.1, ``on_library_path`` the libcuda that LD_LIBRARY_PATH shows, ``outside`` the one in the
    host's own folders, which Nix's loader does not search.
    """

    interpreter: bool
    torch: str = ""
    driver_link: bool = False
    on_library_path: str = ""
    outside: str = ""
