"""Actions that are the shell's business, whatever the package manager."""

from __future__ import annotations

from torchsmith.model.action import Action, Command, SetVariable, UnsetVariable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.base import Commands


def assigned(action: SetVariable, shell: str) -> Commands:
    """The command that sets a variable in bash, fish or PowerShell."""
    if shell == "powershell":
        return (("Set-Item", f"Env:{action.name}", action.value),)
    if shell == "fish":
        return (("set", "-gx", action.name, action.value),)
    return (("export", f"{action.name}={action.value}"),)


def commands(action: Action, windows: bool) -> Commands | None:
    """The commands, in bash or PowerShell; None for an action of package managers."""
    if isinstance(action, Command):
        return (action.argv,)
    if isinstance(action, UnsetVariable):
        return (("Remove-Item", f"Env:{action.name}"),) if windows else (("unset", action.name),)
    if isinstance(action, SetVariable):
        return (("Set-Item", f"Env:{action.name}", action.value),) if windows else (("export", f"{action.name}={action.value}"),)
    return None
