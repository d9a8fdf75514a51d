"""Which container this process runs in, from marks that its makers leave."""

from __future__ import annotations

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host, text_of
from torchsmith.model.facts.container import Container
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Fact, Known, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

MOUNTS = "/proc/self/mountinfo"
FILES = {"/.dockerenv": "docker", "/run/.containerenv": "podman", "/.singularity.d": "apptainer"}
VARIABLES = {
    "KUBERNETES_SERVICE_HOST": "kubernetes",
    "APPTAINER_CONTAINER": "apptainer",
    "SINGULARITY_CONTAINER": "apptainer",
}
# Parts of mount lines: where engines keep the files that they put over /etc/hosts, and the layers of the root.
PLACES = {
    "/var/lib/kubelet/": "kubernetes",
    "/docker/containers/": "docker",
    "/docker/overlay2/": "docker",
    "/var/lib/containerd/": "containerd",
    "/containers/storage/": "podman",
    "fuse.lxcfs": "lxc",
}
SNAP = "/var/snap/docker/"
IMAGE = ("NVIDIA_REQUIRE_CUDA", "CUDA_VERSION")
ORDER = ("kubernetes", "apptainer", "podman", "docker", "containerd", "lxc")


@probe
def container(host: Host, machine: Machine) -> Fact[Container | None]:
    """Look for the engines' files, their variables, and their mounts."""
    if machine.os != "linux":
        return Known(None, f"{machine.os} runs no Linux containers itself")
    marks = {path: kind for path, kind in FILES.items() if host.exists(path)}
    values = {name: _value(host, name) for name in (*VARIABLES, *IMAGE, "container")}
    mounts = host.read(MOUNTS, 1 << 18)
    found = parse(marks, values, text_of(mounts))
    if found is None and isinstance(mounts, Unknown):
        return mounts
    return Known(found, f"{', '.join(FILES)}, environment, {MOUNTS}")


def parse(files: Mapping[str, str], values: Mapping[str, str], mounts: str) -> Container | None:
    """The container of the marks (file: kind), the environment, and mountinfo; None outside of any."""
    kinds = dict(files)
    kinds |= {name: kind for name, kind in VARIABLES.items() if values.get(name)}
    engine = values.get("container", "")
    if engine in {"podman", "docker", "lxc", "oci", "kube", "systemd-nspawn"}:
        kinds[f"container={engine}"] = {"kube": "kubernetes", "oci": "podman"}.get(engine, engine)
    lines = [line for line in mounts.splitlines() if _inside(line)]
    for part, kind in PLACES.items():
        if any(part in line for line in lines):
            kinds[f"{MOUNTS}: {part}"] = kind
    snap = any(SNAP in line for line in lines)
    if snap:
        kinds[f"{MOUNTS}: {SNAP}"] = "docker"
    if not kinds:
        return None
    kind = next((kind for kind in ORDER if kind in kinds.values()), next(iter(kinds.values())))
    image = tuple(f"{name}={values[name][:120]}" for name in IMAGE if values.get(name))
    return Container(kind, tuple(kinds), snap, image)


def _inside(line: str) -> bool:
    """Whether a mount is one that an engine makes in a container.

    On a host that runs containers their folders are mounted too, under their own names: only mounts over ``/`` and single
    files of /etc and /proc speak of this process.
    """
    fields = line.split(" ")
    return len(fields) > 4 and (fields[4] == "/" or fields[4].startswith(("/etc/", "/proc/", "/dev/termination-log")))


def _value(host: Host, name: str) -> str:
    answer = host.variable(name)
    return (answer.value if isinstance(answer, Known) else None) or ""
