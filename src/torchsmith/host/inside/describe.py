"""Runs inside the examined interpreter (-I -S): says what it is and where it would import from. Standard library, Python 3.8.

Nothing of the environment is executed: .pth files are read for the folders they name, their ``import`` lines are left alone.
"""

import os
import sys


def encode(value):
    """JSON text of plain data: the ``json`` module costs more than all the rest here, and python3-minimal has none."""
    if isinstance(value, dict):
        return "{" + ",".join(encode(str(key)) + ":" + encode(item) for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(encode(item) for item in value) + "]"
    if isinstance(value, str):
        return '"' + "".join(c if " " <= c < "\x7f" and c not in '"\\' else escape(ord(c)) for c in value) + '"'
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return str(value)


def escape(code):
    """The JSON escape of a character, as a surrogate pair beyond the first plane."""
    if code < 0x10000:
        return "\\u%04x" % code
    code -= 0x10000
    return "\\u%04x\\u%04x" % (0xD800 + (code >> 10), 0xDC00 + (code & 0x3FF))


def pyvenv():
    """The settings of pyvenv.cfg beside or above the interpreter, with its prefix; empty outside of a venv."""
    here = os.path.dirname(os.path.abspath(sys.executable))
    for prefix in (here, os.path.dirname(here)):
        try:
            with open(os.path.join(prefix, "pyvenv.cfg"), encoding="utf-8", errors="replace") as file:
                lines = [line.partition("=") for line in file.read(65536).splitlines()]
        except OSError:
            continue
        found = {key.strip().lower(): value.strip() for key, _, value in lines}
        found["prefix"] = prefix
        return found
    return {}


def pth_folders(folder):
    """The folders that .pth files in a site directory add to sys.path."""
    added = []
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".pth"))
    except OSError:
        return added
    for name in names[:500]:
        try:
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                lines = file.read(1 << 20).splitlines()
        except OSError:
            continue
        for line in lines[:1000]:
            line = line.strip()
            if line and not line.startswith(("#", "import ", "import\t")):
                path = os.path.normpath(os.path.join(folder, line))
                if os.path.isdir(path):
                    added.append(path)
    return added


def stdlib_path(stdlib):
    """The entries of sys.path that are the standard library's own, in their order."""
    archive = "python%d%d.zip" % sys.version_info[:2]
    own = {stdlib, os.path.join(stdlib, "lib-dynload"), os.path.join(os.path.dirname(stdlib), archive)}
    own.add(os.path.join(os.path.dirname(stdlib), "DLLs"))
    return [entry for entry in sys.path if entry in own]


def own_site_packages(prefix, stdlib):
    """The site-packages of a venv. ``site`` is not asked: without its start-up Debian's answers for the system instead."""
    if os.name == "nt":
        return [prefix, os.path.join(prefix, "Lib", "site-packages")]
    name = os.path.basename(stdlib)
    folders = {}
    for libdir in (getattr(sys, "platlibdir", "lib"), "lib"):
        folder = os.path.join(prefix, libdir, name, "site-packages")
        folders.setdefault(os.path.realpath(folder), folder)  # lib64 is often a link to lib
    return list(folders.values())


def describe():
    """What this interpreter is, as plain data."""
    import site

    base = sys.base_prefix
    venv = pyvenv()
    prefix = venv.get("prefix", sys.prefix)
    stdlib = os.path.dirname(os.__file__)
    isolated = "prefix" in venv and venv.get("include-system-site-packages", "").lower() != "true"
    sites = own_site_packages(prefix, stdlib) if "prefix" in venv else site.getsitepackages([prefix])
    if not isolated and base != prefix:
        sites += [folder for folder in site.getsitepackages([base]) if folder not in sites]
    user_site = site._get_path(site._getuserbase()) if hasattr(site, "_get_path") else ""
    answer = {
        "executable": sys.executable,
        "version": "%d.%d.%d" % sys.version_info[:3],
        "release_level": sys.version_info[3],
        "banner": sys.version,
        "implementation": sys.implementation.name,
        "cache_tag": sys.implementation.cache_tag,
        "suffixes": __import__("_imp").extension_suffixes(),
        "bits": 64 if sys.maxsize > 2**32 else 32,
        "machine": os.uname().machine if hasattr(os, "uname") else os.environ.get("PROCESSOR_ARCHITECTURE", ""),
        "platform": sys.platform,
        "prefix": prefix,
        "base_prefix": base,
        "stdlib_path": stdlib_path(stdlib),
        "site_packages": sites,
        "user_site": user_site,
        "user_site_enabled": not isolated and not getattr(sys.flags, "no_user_site_by_default", 0),
        "venv": venv,
        "conda": os.path.isdir(os.path.join(prefix, "conda-meta")),
        "libc": "",
        "free_threaded": "t" in (getattr(sys, "abiflags", "") or ""),
    }
    try:
        answer["libc"] = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, ValueError, OSError):
        pass
    folders = list(answer["site_packages"])
    if answer["user_site_enabled"] and user_site:
        folders.append(user_site)
    answer["pth"] = {folder: pth_folders(folder) for folder in folders}
    answer["stdlib"] = stdlib
    answer["externally_managed"] = os.path.isfile(os.path.join(stdlib, "EXTERNALLY-MANAGED")) and "prefix" not in venv
    return answer


def main():
    """Print the frame, one JSON object, the frame."""
    frame, answer = sys.argv[1], describe()
    sys.stdout.write(frame + encode(answer) + frame + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
