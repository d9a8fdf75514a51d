"""The configured package index: its list of a project's files, and wheels on it read by parts.

Spoken are PEP 691 (JSON) and PEP 503 (HTML) with their additions: hashes, yanked files, required Python versions, sizes, and
metadata beside the wheel (PEP 658).
"""

from __future__ import annotations

import html
import json
import os
import re

from torchsmith.binaries import wheel
from torchsmith.binaries.errors import BinaryError
from torchsmith.host.http import Client, HttpError
from torchsmith.host.index_config import Config
from torchsmith.host.redact import without_secrets
from torchsmith.host.remote_file import NoRangesError, RemoteFile
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.record import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PAGE_LIMIT = 16 * 1024 * 1024
"""Bytes: torch's page, one of the longest, has 400,000."""

MOST_FILES = 50_000
_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
_ANCHOR = re.compile(r"<(a|base)(?=[\s/>])", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""[\s/]*+([^\s=<>"'/]++)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++)))?+""")
_SHA256 = re.compile(r"sha256[=:]([0-9a-fA-F]{64})")
_SIZES = 1 << 48


class Index:
    """The indexes of a configuration. Addresses with passwords stay in here; what is answered has none."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._client = Client(config.settings)
        self._addresses: dict[tuple[str, str], str] = {}

    def answer(self, question: str, *arguments: Any) -> Fact[dict[str, Any]]:
        """What ``page`` or ``wheel`` answers; Unknown where it fails."""
        try:
            return Known(getattr(self, question)(*arguments), self._config.origin)
        except (HttpError, BinaryError) as error:
            return Unknown(str(error), (f"{arguments[0]} on {', '.join(map(without_secrets, self._config.indexes))}",))
        finally:
            self._client.close()

    def page(self, name: str) -> dict[str, Any]:
        """Every file that the indexes list for a project, the first index's first.

        ``files``: filename, index, url, sha256, requires_python, yanked (the reason, or None), size, metadata (PEP 658).
        ``indexes`` that were asked, ``origin`` of that configuration, ``warnings`` on those that failed.

        Raises:
            HttpError: no index is configured, none answers, or none knows the project.

        """
        project = wheel.normalised(name)
        places = [(f"{index.rstrip('/')}/{project}/", index) for index in self._config.indexes]
        places += [(link, link) for link in self._config.links]
        if not places:
            raise HttpError(
                "no package index is configured, and no pip is here that knows one: give --index-url URL, or set PIP_INDEX_URL"
            )
        files: dict[str, dict[str, Any]] = {}
        failed: list[HttpError] = []
        for place, index in places:
            try:
                listed = self._listed(place)
            except HttpError as error:
                failed.append(error)
                continue
            for file in listed:
                address, filename = file.pop("address"), file["filename"]
                if _project(filename) == project and filename not in files and _may_lead(place, address):
                    files[filename] = file | {"index": without_secrets(index), "url": without_secrets(address)}
                    self._addresses[project, filename] = address
        if not files:
            answered = [error for error in failed if error.status in {404, 410}]
            if failed and len(answered) < len(failed):
                raise next(error for error in failed if error not in answered)
            asked = ", ".join(without_secrets(index) for _, index in places)
            raise HttpError(f"{asked} has no project called {project}", 404)
        return {
            "files": list(files.values()),
            "indexes": [without_secrets(index) for _, index in places],
            "origin": self._config.origin,
            "warnings": [str(error) for error in failed if error.status not in {404, 410}],
        }

    def wheel(self, name: str, filename: str, deep: bool) -> dict[str, Any]:
        """What the wheel says of itself, by range requests; with ``deep`` its native libraries too, each fetched once.

        ``wheel`` is a ``binaries.wheel.Wheel``, ``objects`` (path, object or None, problem) of its libraries if ``deep``;
        ``requests`` and ``bytes`` count what the wheel took, without the index page; ``whole`` tells that the server gives
        no parts of files and only the metadata beside the wheel could be read.

        Raises:
            HttpError: see ``RemoteFile``.
            BinaryError: it is no wheel.

        """
        project = wheel.normalised(name)
        if (project, filename) not in self._addresses:
            self.page(name)
        address = self._addresses.get((project, filename))
        if address is None:
            raise HttpError(f"the index lists no {filename}")
        before = (self._client.requests, self._client.received)
        answer = self._read(address, filename, deep)
        after = (self._client.requests, self._client.received)
        return answer | {"requests": after[0] - before[0], "bytes": after[1] - before[1]}

    def _read(self, address: str, filename: str, deep: bool) -> dict[str, Any]:
        path = _local(address)
        if path:
            from torchsmith.host import wheels

            with open(path, "rb", buffering=0) as local:
                return wheels.contents(local, os.fstat(local.fileno()).st_size, filename, hashed=False, deep=True) | {
                    "whole": False
                }
        try:
            remote = RemoteFile(self._client, address)
        except NoRangesError as error:
            return self._beside(address, filename, str(error))
        try:
            from torchsmith.host import wheels

            return wheels.contents(remote, remote.size, filename, hashed=False, deep=deep, record=False) | {"whole": False}
        finally:
            remote.close()

    def _beside(self, address: str, filename: str, why: str) -> dict[str, Any]:
        """PEP 658: the metadata as a file of its own, for servers that give no parts of wheels."""
        try:
            answer = self._client.get(f"{address}.metadata", {"Accept-Encoding": "identity"}, wheel.METADATA_LIMIT)
        except HttpError:
            raise NoRangesError(why) from None
        found = wheel.from_metadata(filename, answer.body.decode("utf-8", "backslashreplace"), (why,))
        return {"wheel": plain(found), "objects": [], "record": None, "size": None, "arch_list": [], "whole": True}

    def _listed(self, place: str) -> list[dict[str, Any]]:
        """The files on one page or in one folder."""
        path = _local(place)
        if path:
            return _folder(path)
        answer = self._client.get(place, {"Accept": _ACCEPT, "Accept-Encoding": "gzip"}, PAGE_LIMIT)
        return parse(answer.body, answer.url)


def parse(body: bytes, url: str) -> list[dict[str, Any]]:
    """The files of a page in JSON or HTML, told by what it is and not by what the server calls it."""
    if body.lstrip()[:1] == b"{":
        return _parse_json(body, url)
    return _parse_html(body.decode("utf-8", "replace"), url)


def _parse_json(body: bytes, url: str) -> list[dict[str, Any]]:
    try:
        data = json.loads(body)
        listed = data["files"]
        version = str(data.get("meta", {}).get("api-version", "1.0"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise HttpError(f"{without_secrets(url)}: its JSON is no list of files") from None
    if not version.startswith("1.") or not isinstance(listed, list):
        raise HttpError(f"{without_secrets(url)}: its JSON is of version {version[:20]}; 1.x is understood")
    files = []
    for entry in listed[:MOST_FILES]:
        if not isinstance(entry, dict) or not isinstance(entry.get("url"), str) or not isinstance(entry.get("filename"), str):
            continue
        hashes, yanked, size = entry.get("hashes"), entry.get("yanked"), entry.get("size")
        sha256 = hashes.get("sha256") if isinstance(hashes, dict) else None
        files.append(
            _file(
                _joined(url, entry["url"]),
                entry["filename"],
                sha256=sha256 if isinstance(sha256, str) else "",
                requires=entry.get("requires-python"),
                yanked=yanked if isinstance(yanked, str) else "" if yanked is True else None,
                size=size if isinstance(size, int) and 0 <= size < _SIZES else None,
                metadata=bool(
                    entry.get("core-metadata") or entry.get("data-dist-info-metadata") or entry.get("dist-info-metadata")
                ),
            )
        )
    return files


def _parse_html(text: str, url: str) -> list[dict[str, Any]]:
    files: list[dict[str, Any]] = []
    base = url
    for anchor in _ANCHOR.finditer(text):
        found = _attributes(text, anchor.end())
        if anchor[1].lower() == "base":
            base = _joined(url, found.get("href", ""))
        elif found.get("href"):
            address = _joined(base, found["href"])
            place, _, fragment = address.partition("#")
            hashed = _SHA256.search(fragment)
            metadata = found.get("data-core-metadata", found.get("data-dist-info-metadata", "false"))
            files.append(
                _file(
                    place,
                    _last_part(place),
                    sha256=hashed[1] if hashed else "",
                    requires=found.get("data-requires-python"),
                    yanked=found.get("data-yanked"),
                    size=None,
                    metadata=metadata.lower() != "false",
                )
            )
        if len(files) >= MOST_FILES:
            break
    return files


def _attributes(text: str, at: int) -> dict[str, str]:
    found: dict[str, str] = {}
    while len(found) < 20 and (matched := _ATTRIBUTE.match(text, at)):
        value = next((matched[group] for group in (2, 3, 4) if matched[group] is not None), "")
        found.setdefault(matched[1].lower(), html.unescape(value))
        at = matched.end()
    return found


def _file(
    address: str, filename: str, *, sha256: str, requires: object, yanked: str | None, size: int | None, metadata: bool
) -> dict[str, Any]:
    return {
        "filename": filename,
        "address": address,
        "sha256": sha256.lower(),
        "requires_python": requires if isinstance(requires, str) else "",
        "yanked": yanked,
        "size": size,
        "metadata": metadata,
    }


def _joined(base: str, href: str) -> str:
    from urllib.parse import urljoin

    try:
        return urljoin(base, href.strip())
    except ValueError:
        return ""


def _last_part(url: str) -> str:
    from urllib.parse import unquote, urlsplit

    try:
        return unquote(urlsplit(url).path).rpartition("/")[2]
    except ValueError:
        return ""


def _project(filename: str) -> str:
    """The normalised project of a wheel's or source archive's name."""
    stem = filename.partition("-")[0] if filename.endswith(".whl") else filename.rpartition("-")[0]
    return wheel.normalised(stem)


def _may_lead(place: str, address: str) -> bool:
    """Whether a page may list this address: one on a server no local file, an encrypted one no file that is not."""
    if _local(place):
        return True
    return address.startswith("https:" if place.startswith("https:") else ("https:", "http:"))


def _local(place: str) -> str:
    """The path of a ``file:`` URL or of a folder that was configured; "" for what a server holds."""
    if place.startswith("file:"):
        from urllib.parse import urlsplit
        from urllib.request import url2pathname

        return url2pathname(urlsplit(place).path)
    return "" if "://" in place else place


def _folder(path: str) -> list[dict[str, Any]]:
    """The files of a local index's page (``index.html``), or of a folder of wheels."""
    from urllib.request import pathname2url

    page = path if os.path.isfile(path) else os.path.join(path, "index.html")
    try:
        if os.path.isfile(page):
            with open(page, "rb") as file:
                return parse(file.read(PAGE_LIMIT), "file://" + pathname2url(os.path.abspath(page)))
        names = sorted(os.listdir(path))
    except (OSError, ValueError) as error:
        raise HttpError(f"{path}: {getattr(error, 'strerror', None) or error}", 404) from None
    base = "file://" + pathname2url(os.path.abspath(path))
    return [
        _file(f"{base}/{pathname2url(name)}", name, sha256="", requires=None, yanked=None, size=None, metadata=False)
        for name in names
        if name.endswith((".whl", ".tar.gz", ".zip"))
    ]
