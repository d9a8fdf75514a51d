"""Which package index this user takes packages from, and how to reach it: what pip and uv were told.

pip's variables come first, then uv's, pip's files (site over user over global), uv's file; where none names an index, the one
that pip itself would ask. No address of an index stands in this program.
"""

from __future__ import annotations

import configparser
import os
import re
import sys

from torchsmith.host.http import Settings
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

_LIMIT = 1 << 20
_SECTIONS = ("global", "download", "install")
_BUILT_IN = re.compile(r"""^PyPI\s*=\s*PackageIndex\(\s*["'](https?://[^"'\s]+)["']""", re.MULTILINE)


@record
class Config:
    """The indexes to ask, in order, and where that was said. ``links`` are pages or folders with files (``find-links``).

    URLs bear the passwords that they were configured with.
    """

    indexes: tuple[str, ...]
    links: tuple[str, ...]
    origin: str
    settings: Settings


def config(environ: Mapping[str, str], home: str, cwd: str, index_url: str) -> Config:
    """Read the configuration; ``index_url`` (given by the user) takes the place of every configured index."""
    files = _pip_files(environ, home)
    pip = _pip_settings(files)
    uv = _uv_settings(environ, home, cwd)
    main, origin = _main(environ, pip, uv)
    extra = _words(environ.get("PIP_EXTRA_INDEX_URL") or _value(pip, "extra-index-url"))
    extra += _words(f"{environ.get('UV_EXTRA_INDEX_URL', '')} {environ.get('UV_INDEX', '')}") or list(uv.get("extra", ()))
    links = _words(environ.get("PIP_FIND_LINKS") or _value(pip, "find-links"))
    links += _words(environ.get("UV_FIND_LINKS", "").replace(",", " "))
    if index_url:
        main, origin, extra, links = index_url, "--index-url", [], []
    elif _true(environ.get("PIP_NO_INDEX") or _value(pip, "no-index")):
        main, extra, origin = "", [], "no-index: find-links only"
    elif not main:
        main, origin = built_in(environ), "pip's own default"
    indexes = tuple(dict.fromkeys(url for url in (main, *extra) if url))
    return Config(indexes, tuple(dict.fromkeys(links)), origin, _settings(environ, home, pip, indexes))


def pip_options(environ: Mapping[str, str], home: str) -> dict[str, str]:
    """Every option that pip is told by its files and variables, with its value; variables come first."""
    files = {name: value for name, value in _pip_settings(_pip_files(environ, home)).items() if not name.endswith(" file")}
    told = {
        name[4:].lower().replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith("PIP_") and value and name != "PIP_CONFIG_FILE"
    }
    return {name: value for name, value in (files | told).items() if value.strip()}


_AWAY = ("target", "prefix", "root", "python")


def elsewhere(environ: Mapping[str, str], home: str, name: str) -> tuple[str, str]:
    """What in a file sends pip or uv (``name``) into another place than the environment that it is told, and the file.

    For pip no variable is empty enough to be stronger than such a file, and for uv none is at all.
    """
    if name == "pip":
        told = _pip_settings(_pip_files(environ, home))
        away = next((option for option in _AWAY if _value(told, option)), "")
        return away, told.get(f"{away} file", "")
    own = environ.get("UV_CONFIG_FILE", "")
    for path in [own] if own else _uv_files(environ, home):
        table = _table(_toml(path), "pip")
        if away := next((option for option in ("target", "prefix") if table.get(option)), ""):
            return f"pip.{away}", path
    return "", ""


def built_in(environ: Mapping[str, str]) -> str:
    """The index that pip asks if nobody told it another; "" where there is no pip to be read. pip is not run."""
    for text in _pip_sources(environ):
        found = _BUILT_IN.search(text)
        if found:
            return f"{found[1].rstrip('/')}/simple"
    return ""


def _pip_sources(environ: Mapping[str, str]) -> Iterator[str]:
    """The module in which pip keeps its default: beside us, in the active environment, or in the wheel of ensurepip."""
    module = os.path.join("pip", "_internal", "models", "index.py")
    prefixes = [environ.get(name, "") for name in ("VIRTUAL_ENV", "CONDA_PREFIX")]
    folders = [*sys.path]
    for prefix in filter(None, prefixes):
        library = os.path.join(prefix, "lib")
        folders.append(os.path.join(prefix, "Lib", "site-packages"))
        folders += [os.path.join(library, name, "site-packages") for name in _listed(library) if name.startswith("python3")]
    for folder in folders:
        if text := _read(os.path.join(folder, module)):
            yield text
    yield from _bundled(module.replace(os.sep, "/"))


def _bundled(module: str) -> Iterator[str]:
    import sysconfig
    import zipfile

    standard = sysconfig.get_path("stdlib")
    for folder in (os.path.join(standard, "ensurepip", "_bundled"), sysconfig.get_config_var("WHEEL_PKG_DIR") or ""):
        for name in sorted(_listed(folder)):
            if name.startswith("pip-") and name.endswith(".whl"):
                try:
                    with zipfile.ZipFile(os.path.join(folder, name)) as wheel:
                        yield wheel.read(module).decode("utf-8", "replace")
                except (OSError, KeyError, zipfile.BadZipFile):
                    continue


def _main(environ: Mapping[str, str], pip: Mapping[str, str], uv: Mapping[str, Any]) -> tuple[str, str]:
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        if environ.get(name):
            return _words(environ[name])[0], f"environment variable {name}"
    if url := _value(pip, "index-url"):
        return url, pip["index-url file"]
    if uv.get("index"):
        return uv["index"], uv["file"]
    return "", ""


def _words(value: str) -> list[str]:
    """URLs in a variable or option; uv allows ``name=url``."""
    return [word.partition("=")[2] if re.match(r"[\w.-]+=\w+://", word) else word for word in value.split()]


def _value(pip: Mapping[str, str], key: str) -> str:
    return pip.get(key, "").strip()


def _true(value: str) -> bool:
    return value.strip().lower() in {"1", "true", "yes", "on", "y", "t"}


# ---- pip's files


def _pip_files(environ: Mapping[str, str], home: str) -> list[str]:
    """The configuration files of pip, the narrowest last."""
    own = environ.get("PIP_CONFIG_FILE", "")
    if own == os.devnull:
        return []
    prefixes = dict.fromkeys(filter(None, (sys.prefix, environ.get("CONDA_PREFIX"), environ.get("VIRTUAL_ENV"))))
    if sys.platform == "win32":
        roaming = environ.get("APPDATA") or f"{home}/AppData/Roaming"
        shared = environ.get("PROGRAMDATA") or "C:/ProgramData"
        files = [f"{shared}/pip/pip.ini", f"{home}/pip/pip.ini", f"{roaming}/pip/pip.ini"]
        return [*files, *(f"{prefix}/pip.ini" for prefix in prefixes), own]
    wide = [f"{folder}/pip/pip.conf" for folder in reversed((environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":"))]
    mac = [f"{home}/Library/Application Support/pip/pip.conf"] if sys.platform == "darwin" else []
    user = [f"{home}/.pip/pip.conf", *mac, f"{environ.get('XDG_CONFIG_HOME') or f'{home}/.config'}/pip/pip.conf"]
    return [*wide, "/etc/pip.conf", *user, *(f"{prefix}/pip.conf" for prefix in prefixes), own]


def _pip_settings(files: list[str]) -> dict[str, str]:
    """All options, and under ``<option> file`` the file that each came from."""
    found: dict[str, str] = {}
    for path in filter(None, files):
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(_read(path))
        except configparser.Error:
            continue
        for section in _SECTIONS:
            for key, value in parser.items(section) if parser.has_section(section) else ():
                name = key.replace("_", "-")
                found[name], found[f"{name} file"] = value, path
    return found


# ---- uv's file


def _uv_settings(environ: Mapping[str, str], home: str, cwd: str) -> dict[str, Any]:
    """``index`` and ``extra`` of the narrowest file of uv that names any, and ``file``."""
    for path in (environ.get("UV_CONFIG_FILE", ""), f"{cwd}/uv.toml", f"{cwd}/pyproject.toml", *_uv_files(environ, home)):
        data = _toml(path)
        table = _table(_table(data, "tool"), "uv") if path.endswith("pyproject.toml") else data
        found = _uv_indexes(table) or _uv_indexes(_table(table, "pip"))
        if found:
            return found | {"file": path}
    return {}


def _uv_files(environ: Mapping[str, str], home: str) -> list[str]:
    """The configuration files of uv that are no project's, the narrowest first."""
    if _true(environ.get("UV_NO_CONFIG", "")):
        return []
    if sys.platform == "win32":
        shared = environ.get("PROGRAMDATA") or "C:/ProgramData"
        return [f"{environ.get('APPDATA') or f'{home}/AppData/Roaming'}/uv/uv.toml", f"{shared}/uv/uv.toml"]
    return [f"{environ.get('XDG_CONFIG_HOME') or f'{home}/.config'}/uv/uv.toml", "/etc/uv/uv.toml"]


def _toml(path: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(_read(path)) if path else {}
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _uv_indexes(table: dict[str, Any]) -> dict[str, Any]:
    listed = [entry for entry in _list(table.get("index")) if isinstance(entry, dict) and isinstance(entry.get("url"), str)]
    main = next((entry["url"] for entry in listed if entry.get("default") is True), table.get("index-url"))
    extra = [entry["url"] for entry in listed if entry.get("default") is not True and entry.get("explicit") is not True]
    extra += [url for url in _list(table.get("extra-index-url")) if isinstance(url, str)]
    found: dict[str, Any] = {"index": main} if isinstance(main, str) else {}
    return found | ({"extra": extra} if extra else {})


def _table(data: dict[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


# ---- how to reach servers


def _settings(environ: Mapping[str, str], home: str, pip: Mapping[str, str], indexes: tuple[str, ...]) -> Settings:
    lower = {name.lower(): value for name, value in environ.items() if name.lower().endswith("_proxy") and value}
    proxies = {scheme: lower[f"{scheme}_proxy"] for scheme in ("http", "https", "all") if f"{scheme}_proxy" in lower}
    own = environ.get("PIP_PROXY") or _value(pip, "proxy")
    if own:
        proxies = {"all": own}
    if "REQUEST_METHOD" in environ:
        proxies.pop("http", None)  # a CGI script: the variable may come from the client
    certificates = environ.get("PIP_CERT") or _value(pip, "cert")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        certificates = certificates or environ.get(name, "")
    netrc = environ.get("NETRC") or next(
        (path for name in (".netrc", "_netrc") if os.path.isfile(path := os.path.join(home, name))), ""
    )
    return Settings(
        proxies=tuple(proxies.items()),
        no_proxy=lower.get("no_proxy", ""),
        certificates=certificates,
        client_certificate=environ.get("PIP_CLIENT_CERT") or _value(pip, "client-cert"),
        trusted=tuple(_words(environ.get("PIP_TRUSTED_HOST") or _value(pip, "trusted-host"))),
        netrc=netrc,
        credentials=tuple(credentials(indexes)),
    )


def credentials(indexes: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, str]]]:
    """(host:port, (user, password)) of the URLs that bear any: an index's files are asked for with them too."""
    from urllib.parse import unquote, urlsplit

    for url in indexes:
        try:
            parts = urlsplit(url)
        except ValueError:
            continue
        if parts.username is not None:
            yield parts.netloc.rpartition("@")[2], (unquote(parts.username), unquote(parts.password or ""))


def _read(path: str) -> str:
    """The text of a regular file; "" where there is none."""
    try:
        if not os.path.isfile(path):
            return ""
        with open(path, "rb") as file:
            return file.read(_LIMIT).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder) if folder else []
    except OSError:
        return []
