"""Whether the interpreter's headers are there; asked only where something could be compiled."""

from __future__ import annotations

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.toolkit import HostCompiler, PythonHeaders
from torchsmith.model.known import Fact, Known


@probe
def python_headers(
    host: Host, machine: Machine, interpreter: Interpreter, host_compiler: HostCompiler
) -> Fact[PythonHeaders | None]:
    """Look where sysconfig would point to: below the base prefix."""
    del host_compiler
    if interpreter.implementation != "cpython" or not interpreter.base_prefix:
        return Known(None, "another layout than CPython's")
    numbers = interpreter.version.split(".")
    name = f"python{numbers[0]}.{numbers[1]}" + ("t" if interpreter.free_threaded else "")
    folder = interpreter.base_prefix.rstrip("/\\")
    path = f"{folder}/include/Python.h" if machine.os == "windows" else f"{folder}/include/{name}/Python.h"
    return Known(PythonHeaders(path, host.exists(path)), path)
