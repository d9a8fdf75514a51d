"""
# The path is too long for Windows

## What it means
Without LongPathsEnabled, Windows programs cannot open paths above 259 characters. torch's deepest header has 119 characters
below site-packages; in a folder that is long itself (a Microsoft Store Python, a deep project) the installation ends in "[Errno
2] No such file or directory" with a hint at enable-long-paths.

## How it is told
LongPathsEnabled in the registry is 0, and the length of site-packages leaves no room for torch's deepest file.

## What to do
Switch long paths on (an administrator's command, then a new terminal), or make the environment in a short folder such as
C:/ai.

## What not to do
Reinstalling torch into the same folder.

## Sources
Microsoft, maximum path length limitation; longest path in the wheels of torch 2.14.1; pip, enable-long-paths.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Command
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.system import WindowsSettings
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown

MOST, DEEPEST = 259, 119
ENABLE = (
    "powershell",
    "-Command",
    r"Set-ItemProperty 'HKLM:\SYSTEM\CurrentControlSet\Control\FileSystem' -Name LongPathsEnabled -Value 1",
)


@rule("windows-long-path", explains=("torch-not-installed", "torch-install-incomplete"), systems=("windows",))
def check(windows_settings: WindowsSettings, interpreter: Interpreter, torch: Torch | Unknown | None) -> Iterator[Finding]:
    """An installed torch got in all the same: then it is a note for the next installation."""
    site = interpreter.site_packages[-1] if interpreter.site_packages else interpreter.prefix
    length = len(site) + 1 + DEEPEST
    if windows_settings.long_paths is not False or length <= MOST:
        return
    yield Finding(
        Severity.NOTE if isinstance(torch, Torch) else Severity.DEGRADED,
        "python",
        f"torch's deepest file would have a path of {length} characters here, and Windows allows {MOST}",
        evidence=(Proof("windows_settings", "LongPathsEnabled is 0"), Proof("interpreter", f"{site} ({len(site)} characters)")),
        remedies=(
            Remedy(
                "Switch long paths on, in an administrator's terminal",
                "new processes may then use long paths",
                Safety.DISPLAY_ONLY,
                (Command(ENABLE),),
            ),
            Remedy(
                "Or make the environment in a short folder",
                "",
                Safety.DISPLAY_ONLY,
                (Command(("py", "-m", "venv", "C:/ai/venv")),),
            ),
        ),
        wont_help=(WontHelp("Reinstalling into the same folder", "the path stays as long"),),
    )


@told("windows-long-path")
def answer(seen: Seen) -> Advice:
    """The same from what the installer said."""
    del seen
    return Advice(
        "machine",
        f"A path is longer than the {MOST} characters that Windows allows without long-path support",
        (
            Remedy(
                "Switch long paths on, in an administrator's terminal, then open a new terminal",
                "new processes may then use long paths; for git: git config --global core.longpaths true",
                Safety.DISPLAY_ONLY,
                (Command(ENABLE),),
                (ENABLE,),
            ),
            Remedy(
                "Or make the environment, and the temporary folder, in a short folder",
                "a source archive that is unpacked where a wheel was wanted has the longest paths of all",
                Safety.DISPLAY_ONLY,
                commands=(("py", "-m", "venv", "C:/ai/venv"),),
            ),
        ),
        (WontHelp("Reinstalling torch into the same folder", "the path stays as long"),),
    )
