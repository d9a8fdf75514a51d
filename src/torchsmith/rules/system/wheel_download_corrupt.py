"""
# The download of a wheel is cut short or altered

## What it means
A wheel of torch has up to some gigabytes, and what arrived is not what was published: the connection broke, a proxy or a virus
scanner changed it, or a half file lies in the cache and is taken again and again.

## How it is told
The installer compares hashes ("THESE PACKAGES DO NOT MATCH THE HASHES"), cannot unpack the file, or says that it is incomplete.

## What to do
Clear the cache and download again; over another network or with a longer time limit where it breaks each time; or download the
file by hand, compare its sha256 and install that file.

## What not to do
`--trusted-host` or dropping the hashes: a broken file stays broken.

## Sources
pip and uv documentation on caching and hash checking; conda documentation on package verification.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import Remedy, WontHelp

CLEAR = {
    "pip": ("python", "-m", "pip", "cache", "purge"),
    "uv": ("uv", "cache", "clean"),
    "conda": ("conda", "clean", "--all"),
    "poetry": ("poetry", "cache", "clear", "--all", "."),
    "pdm": ("pdm", "cache", "clear"),
}


def _installer(seen: Seen) -> str:
    """Who downloaded: by its own error, by what it printed, by whose environment it is; pip where nothing tells."""
    if any(c.role == "fatal" and "Conda" in c.text for c in seen.complaints):
        return "conda"
    environment = seen.value("environment")
    manager = environment.manager.partition("-")[0] if environment else ""
    if manager in {"", "pip"}:
        manager = "uv" if seen.has("uv-context") else "poetry" if seen.has("poetry-context") else "pip"
    return manager if manager in CLEAR else "pip"


@told("wheel-download-corrupt")
def answer(seen: Seen) -> Advice:
    """By the installer that the text shows."""
    commands = (CLEAR[_installer(seen)],)
    cut = seen.has("download-cut") and not seen.has("hash-mismatch", "archive-broken")
    return Advice(
        "package:torch",
        "The download ended before the wheel was complete" if cut else "The downloaded wheel is not the one that was published",
        (
            Remedy(
                "Clear the installer's cache and download again",
                "a half file in the cache is taken again; uv waits longer with UV_HTTP_TIMEOUT=600",
                commands=commands,
            ),
        ),
        (
            WontHelp("--trusted-host, or dropping the hashes", "a broken file stays broken"),
            WontHelp("Another version of torch", "the next large file breaks off in the same way"),
        ),
    )
