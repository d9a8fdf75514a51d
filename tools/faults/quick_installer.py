"""An installer of our own for the engine's tests: quick, honest unless told otherwise. Standard library, starts in milliseconds.

quick_installer.py install PREFIX CONTENT [HOW]     HOW: honest, nothing, fails-after, hangs, half, in-place, killed
quick_installer.py create PREFIX PYTHON             an empty environment
quick_installer.py lock TEXT                        writes the lock of the project that it is started in
"""

# pathlib takes longer to import than all of this takes
# ruff: noqa: PTH101, PTH103, PTH105, PTH106, PTH108, PTH110, PTH112, PTH118, PTH120, PTH123, PTH208, PTH211

from __future__ import annotations

import json
import os
import signal
import sys


def main(words: list[str]) -> int:
    """What is asked for."""
    what, *rest = words
    if what == "create":
        return create(*rest)
    if what == "lock":
        with open("uv.lock", "w") as file:
            file.write(rest[0])
        return 0
    return install(*rest)


def create(prefix: str, python: str) -> int:
    """An empty environment."""
    site = os.path.join(prefix, "lib", f"python{sys.version_info[0]}.{sys.version_info[1]}", "site-packages")
    os.makedirs(site)
    os.makedirs(os.path.join(prefix, "bin"))
    os.symlink(python, os.path.join(prefix, "bin", "python"))
    with open(os.path.join(prefix, "pyvenv.cfg"), "w") as file:
        file.write(f"home = {os.path.dirname(python)}\ncommand = {python} -m venv {prefix}\n")
    with open(os.path.join(prefix, "bin", "activate"), "w") as file:
        file.write(f'VIRTUAL_ENV="{prefix}"\n')
    return 0


def install(prefix: str, content: str, how: str = "honest") -> int:
    """The new packages in the place of the old ones, or a lie about it."""
    if how == "nothing":
        return 0
    if how == "hangs":
        signal.pause()
    site = os.path.join(prefix, "lib", f"python{sys.version_info[0]}.{sys.version_info[1]}", "site-packages")
    with open(content) as file:
        packages = json.load(file)
    for number, (name, files) in enumerate(sorted(packages.items())):
        if how == "in-place":  # as if files were written through, not replaced
            for path, text in files.items():
                target = os.path.join(site, path)
                if os.path.exists(target):
                    with open(target, "r+") as file:
                        file.write(text)
                        file.truncate()
        remove(site, name)
        for path, text in files.items():
            target = os.path.join(site, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "w") as file:
                file.write(text)
        if number == 0 and how == "half":
            return 0
        if number == 0 and how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
    script = os.path.join(prefix, "bin", "torchrun")
    with open(script + ".new", "w") as file:
        file.write(f"#!{prefix}/bin/python\nimport torch\n")
    os.chmod(script + ".new", 0o755)
    os.replace(script + ".new", script)
    return 1 if how == "fails-after" else 0


def remove(site: str, name: str) -> None:
    """What RECORD names, then empty folders."""
    for entry in os.listdir(site):
        if entry.startswith(name + "-") and entry.endswith(".dist-info"):
            with open(os.path.join(site, entry, "RECORD")) as file:
                paths = [line.rsplit(",", 2)[0] for line in file.read().splitlines() if line]
            for path in paths:
                target = os.path.normpath(os.path.join(site, path))
                if os.path.lexists(target):
                    os.unlink(target)
            folders = {os.path.dirname(os.path.join(site, path)) for path in paths}
            for folder in sorted(folders, key=len, reverse=True):
                if os.path.isdir(folder) and not os.listdir(folder):
                    os.rmdir(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
