"""GitHub's REST API, as far as an answer needs it."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from io import BytesIO
from typing import IO, Any

TIMEOUT = 30.0
ANSWER = 16 << 20
"""Bytes of JSON that are read."""
PAGES = 20
PER_PAGE = 100
HINTS = {
    401: "the token is not valid",
    403: "the token may not do that: see the permissions in docs/reference/github-action.md",
    404: "it is not there, or the token may not see it",
    410: "it is not kept any longer",
}
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")


class ApiError(Exception):
    """A request failed; the message says which and why."""


class Api:
    """The API at ``url`` for one repository."""

    def __init__(self, url: str, repository: str, token: str) -> None:
        """Take the address, ``owner/name``, and the token; refused is an address that is none."""
        if not url.startswith(("https://", "http://127.0.0.1:")):
            raise ApiError("the address of the API is not https")
        if not _REPOSITORY.fullmatch(repository):
            raise ApiError("the name of the repository is not owner/name")
        self._base = f"{url.rstrip('/')}/repos/{repository}"
        self._token = token

    def logs(self, run: int, attempt: int, limit: int) -> IO[bytes]:
        """The archive of a run's logs, of at most ``limit`` bytes."""
        data = self._send("GET", f"/actions/runs/{run}/attempts/{attempt}/logs", None, limit)
        return BytesIO(data)

    def own_comment(self, number: int, author: str, marker: str) -> dict[str, Any] | None:
        """The first comment of ``author`` that begins with ``marker``."""
        for page in range(1, PAGES + 1):
            comments = self._json("GET", f"/issues/{number}/comments?per_page={PER_PAGE}&page={page}")
            for comment in comments:
                user = comment.get("user") or {}
                if user.get("login") == author and str(comment.get("body") or "").startswith(marker):
                    return dict(comment)
            if len(comments) < PER_PAGE:
                break
        return None

    def comment(self, number: int, body: str) -> str:
        """Write a comment; its address."""
        return str(self._json("POST", f"/issues/{number}/comments", {"body": body}).get("html_url", ""))

    def replace(self, comment: int, body: str) -> str:
        """Write another text into a comment; its address."""
        return str(self._json("PATCH", f"/issues/comments/{comment}", {"body": body}).get("html_url", ""))

    def _json(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = self._send(method, path, body, ANSWER)
        try:
            return json.loads(data)
        except ValueError:
            raise ApiError(f"{method} {path}: the answer is no JSON") from None

    def _send(self, method: str, path: str, body: dict[str, Any] | None, limit: int) -> bytes:
        request = urllib.request.Request(self._base + path, method=method)  # noqa: S310 - the scheme was checked
        request.add_header("Accept", "application/vnd.github+json")
        request.add_header("X-GitHub-Api-Version", "2022-11-28")
        request.add_header("User-Agent", "torchsmith-explain")
        if self._token:
            # Not sent on to where a redirection leads: logs lie with another host.
            request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310 - the scheme was checked
                data = bytes(answer.read(limit + 1))
        except urllib.error.HTTPError as error:
            error.close()
            raise ApiError(f"{method} {path}: {error.code} {HINTS.get(error.code, '')}".rstrip()) from None
        except (OSError, ValueError) as error:
            raise ApiError(f"{method} {path}: {type(error).__name__}") from None
        if len(data) > limit:
            raise ApiError(f"{method} {path}: the answer is longer than {limit >> 20} MiB")
        return data
