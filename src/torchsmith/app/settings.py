"""What a change of the machine's settings rests on: the user's home, variables that are set, values of the registry."""

from __future__ import annotations

from torchsmith.managers import settings, windows_settings
from torchsmith.model.known import Known
from torchsmith.model.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.act.registry import Registry
    from torchsmith.host.base import Host
    from torchsmith.model.choice import Place

APPROACHES = frozenset({"env-vars", "user-path"})
"""The approaches that change settings."""


def seen(host: Host, place: Place, registry: Registry | None = None) -> Place:
    """The place with what its settings say now; values of the registry where there is one.

    Raises:
        RegistryError: a value is no text, so nothing that could be kept.

    """
    folders = host.folders()
    home = folders.value["home"] if isinstance(folders, Known) else ""
    asked = {name: host.variable(name) for name in settings.NAMES}
    values = tuple((name, fact.value) for name, fact in asked.items() if isinstance(fact, Known) and fact.value)
    return replace(place, home=home, values=values, registry=_registry(host, registry) if place.os == "windows" else ())


def _registry(host: Host, registry: Registry | None) -> tuple[tuple[str, str, str, str], ...]:
    found = []
    for key, name in windows_settings.ASKED if registry is not None else ():
        value = registry.read(key, name) if registry is not None else None
        if value is not None:
            found.append((key, name, *value))
    for name in windows_settings.MACHINE:
        of_machine = host.registry(windows_settings.SYSTEM, name)
        if isinstance(of_machine, Known) and isinstance(of_machine.value, str):
            # Which type it has does not matter: it is looked at and never written.
            found.append((windows_settings.SYSTEM, name, "REG_EXPAND_SZ", of_machine.value))
    return tuple(found)
