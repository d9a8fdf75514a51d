"""Package indexes of every kind, over real HTTP: what they list, wheels by parts, and servers that mean harm."""

from __future__ import annotations

import gzip
import io
import random
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.binaries.samples import MIB
from tests.lab.package_server import Package, Request, Server, serving

from torchsmith.host import index, index_config
from torchsmith.host.http import Client, HttpError, Settings
from torchsmith.host.local import LocalHost
from torchsmith.host.remote_file import FIRST, RemoteFile
from torchsmith.model.known import Known, Unknown

NAME = "thing-1.0-py3-none-any.whl"
NOISE = random.Random(2).randbytes(3 * MIB)


def made(*, size: int = 3 * MIB, members: int = 400) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("torch/version.py", "__version__ = '1.0'\n")
        for number in range(members):
            archive.writestr(f"thing/{'long name ' * 15}{number}.py", "")
        archive.writestr("thing/large.bin", NOISE[:size])
        archive.writestr("thing-1.0.dist-info/METADATA", "Name: thing\nVersion: 1.0\nRequires-Dist: torch==2.15.0\n")
        archive.writestr("thing-1.0.dist-info/WHEEL", "Tag: py3-none-any\nRoot-Is-Purelib: true\n")
    return file.getvalue()


WHEEL = made()


def host(server: Server, **environ: str) -> LocalHost:
    return LocalHost(environ={"PIP_INDEX_URL": server.index, "HOME": "/nonexistent", "PIP_CONFIG_FILE": "/dev/null", **environ})


def value(fact: object) -> Any:
    assert isinstance(fact, Known), fact
    return fact.value


def reason(fact: object) -> str:
    assert isinstance(fact, Unknown), fact
    return fact.reason


class TestPages:
    @pytest.mark.parametrize(
        "form", [{"json": True}, {"json": False}, {"json": True, "gzip": True}, {"json": False, "gzip": True}]
    )
    def test_both_forms_tell_the_same(self, form: dict[str, bool]) -> None:
        packages = [
            Package(NAME, b"1", requires_python=">=3.8,<4", metadata=b"Name: thing\n"),
            Package("thing-0.9-py3-none-any.whl", b"2", yanked="broken"),
            Package("thing-0.8.tar.gz", b"3", yanked=""),
        ]
        with serving(*packages, **form) as server:
            found = value(host(server).project_files("Thing"))
        assert found["indexes"] == [server.index]
        assert [(f["filename"], f["requires_python"], f["yanked"], f["metadata"]) for f in found["files"]] == [
            (NAME, ">=3.8,<4", None, True),
            ("thing-0.9-py3-none-any.whl", "", "broken", False),
            ("thing-0.8.tar.gz", "", "", False),
        ]
        assert found["files"][0]["sha256"] == packages[0].sha256
        assert found["files"][0]["url"] == f"{server.address}/files/{NAME}"

    def test_json_under_a_false_name_and_html_under_json_s(self) -> None:
        page = f'<html><a href="/files/{NAME}">x</a>'.encode()
        assert index.parse(page, "http://host/simple/thing/")[0]["address"] == f"http://host/files/{NAME}"
        assert index.parse(b' {"files": [{"filename": "a", "url": "b"}]}', "http://host/x/")[0]["address"] == "http://host/x/b"

    def test_html_of_other_makers(self) -> None:
        page = b"""<BASE HREF='http://files/'><A class="a>b" data-requires-python='>=3.9' HREF = a-1.whl >a</a>
            <abbr href="no"><a name="no"><a data-yanked href="b-1.whl#sha256=%s">""" % (b"0" * 64)
        first, second = index.parse(page, "http://host/simple/a/")
        assert (first["address"], first["requires_python"], first["yanked"]) == ("http://files/a-1.whl", ">=3.9", None)
        assert (second["sha256"], second["yanked"]) == ("0" * 64, "")

    def test_several_indexes_are_one(self, tmp_path: Path) -> None:
        (tmp_path / "thing-3.0-py3-none-any.whl").write_bytes(WHEEL)
        with (
            serving(Package(NAME, WHEEL)) as one,
            serving(Package(NAME, b"other"), Package("thing-2.0-py3-none-any.whl", b"")) as two,
        ):
            asked = host(one, PIP_EXTRA_INDEX_URL=two.index, PIP_FIND_LINKS=str(tmp_path))
            found = value(asked.project_files("thing"))
            local = value(asked.remote_wheel("thing", "thing-3.0-py3-none-any.whl"))
        assert [(f["filename"][6], f["url"].partition("/files/")[0]) for f in found["files"][:2]] == [
            ("1", one.address),
            ("2", two.address),
        ]
        assert local["wheel"]["pins"] == [["torch", "2.15.0"]]

    def test_one_index_that_fails_is_told(self) -> None:
        with serving(Package(NAME, WHEEL)) as one, serving(trap=lambda request: request.answer(500, b"") is None) as two:
            found = value(host(one, PIP_EXTRA_INDEX_URL=two.index).project_files("thing"))
        assert found["warnings"] == [f"{two.index}/thing/: the server answers with status 500"]

    def test_no_such_project(self) -> None:
        with serving() as server:
            assert "has no project called thing" in reason(host(server).project_files("thing"))

    def test_no_server(self) -> None:
        with serving() as server:
            pass
        assert "Connection refused" in reason(host(server).project_files("thing"))

    def test_a_page_cannot_lead_to_local_files(self) -> None:
        page = f'<a href="file:///etc/{NAME}">x</a><a href="ftp://h/{NAME}">x</a>'.encode()
        with serving(trap=lambda request: request.answer(200, page) is None) as server:
            assert isinstance(host(server).project_files("thing"), Unknown)

    @given(st.text(max_size=300), st.sampled_from(["", "<a ", '<a href="', '{"files": [']))
    def test_any_page(self, text: str, start: str) -> None:
        try:
            index.parse((start + text).encode("utf-8", "surrogatepass"), "http://host/")
        except HttpError as error:
            assert "JSON" in str(error)  # noqa: PT017

    def test_long_pages_end_soon(self) -> None:
        for page in ("<a " * 100_000, "<a " + "x=" * 300_000, "<a href='" * 50_000, "<a" + " " * MIB):
            index.parse(page.encode(), "http://host/")


class TestWheels:
    @pytest.mark.parametrize("ranges", ["yes", "no suffix"])
    def test_a_wheel_is_read_by_parts(self, ranges: str) -> None:
        with serving(Package(NAME, WHEEL), ranges=ranges) as server:
            found = value(host(server).remote_wheel("thing", NAME))
            assert found["requests"] == len(server.wheels_asked()) <= 5
        assert found["bytes"] < 500_000 < len(WHEEL)
        assert (found["wheel"]["name"], found["wheel"]["tags"], found["size"]) == ("thing", ["py3-none-any"], len(WHEEL))
        assert found["wheel"]["texts"] == [["torch/version.py", "__version__ = '1.0'\n"]]
        assert not found["wheel"]["warnings"]

    def test_a_small_wheel_takes_one_request(self) -> None:
        with serving(Package(NAME, made(size=100, members=3))) as server:
            found = value(host(server).remote_wheel("thing", NAME))
        assert (found["requests"], len(server.wheels_asked())) == (1, 1)

    def test_a_server_without_ranges_and_a_small_wheel(self) -> None:
        with serving(Package(NAME, made(size=100)), ranges="no") as server:
            assert value(host(server).remote_wheel("thing", NAME))["wheel"]["name"] == "thing"

    def test_a_server_without_ranges_and_a_large_wheel(self) -> None:
        with serving(Package(NAME, WHEEL), ranges="no") as server:
            assert "whole files only" in reason(host(server).remote_wheel("thing", NAME))
            assert len(server.asked) == 3  # the page, the wheel, the metadata beside it

    def test_without_ranges_the_metadata_beside_the_wheel_answers(self) -> None:
        metadata = b"Name: thing\nVersion: 1.0\nRequires-Dist: torch==2.15.0\n"
        with serving(Package(NAME, WHEEL, metadata=metadata), ranges="no") as server:
            found = value(host(server).remote_wheel("thing", NAME))
        assert found["whole"]
        assert found["wheel"]["pins"] == [["torch", "2.15.0"]]
        assert "whole files only" in found["wheel"]["warnings"][0]

    def test_redirects_are_followed_once(self) -> None:
        def elsewhere(request: Request) -> bool:
            if request.path.startswith("/files/"):
                request.answer(302, b"", Location=request.path.replace("/files/", "/other/") + "?token=secret")
                return True
            return False

        with serving(Package(NAME, WHEEL), trap=elsewhere) as server:
            server.packages.append(Package(f"{NAME}?token=secret", WHEEL))
            found = value(host(server).remote_wheel("thing", NAME))
            assert sum(path.startswith("/files/") for path in server.wheels_asked()) == 1
        assert found["wheel"]["name"] == "thing"
        assert "secret" not in str(found)

    def test_deep_takes_each_byte_once(self, client: Client) -> None:
        with serving(Package(NAME, WHEEL)) as server:
            file = RemoteFile(client, f"{server.address}/files/{NAME}")
            middle = file.size // 2
            file.spool(1000, middle)
            assert file.read_at(MIB, 1000) + file.read_at(middle - MIB, 1000 + MIB) == WHEEL[1000 : 1000 + middle]
            asked = len(server.asked)
            file.read_at(100, 2000)
            file.close()
            assert (len(server.asked), client.received) == (asked, FIRST + middle)

    def test_deep_goes_on_where_the_connection_broke(self, client: Client) -> None:
        broken: list[str] = []

        def breaking(request: Request) -> bool:
            wanted = request.headers.get("Range", "")
            if wanted.startswith("bytes=0-") and not broken:
                broken.append(wanted)
                request.send_response(206)
                request.send_header("Content-Length", str(2 * MIB))
                request.send_header("Content-Range", f"bytes 0-{2 * MIB - 1}/{len(WHEEL)}")
                request.end_headers()
                request.send(WHEEL[:MIB])
                request.connection.close()
                request.close_connection = True
                return True
            return False

        with serving(Package(NAME, WHEEL), trap=breaking) as server:
            file = RemoteFile(client, f"{server.address}/files/{NAME}")
            file.spool(0, 2 * MIB)
            assert file.read_at(2 * MIB, 0) == WHEEL[: 2 * MIB]
            file.close()
            assert client.received == FIRST + 2 * MIB

    @given(st.lists(st.tuples(st.integers(0, len(WHEEL)), st.integers(0, 200_000)), max_size=5))
    def test_any_place_in_any_order(self, reads: list[tuple[int, int]]) -> None:
        client = _Whole(WHEEL)
        file = RemoteFile(client, "http://host/file")
        for offset, length in reads:
            assert file.read_at(length, offset) == WHEEL[offset : offset + length]
        assert client.taken <= len(WHEEL)


class _Whole(Client):
    """Answers ranges of some bytes without a network, and counts."""

    def __init__(self, data: bytes) -> None:
        super().__init__(Settings())
        self.data, self.taken = data, 0

    def get(self, url: str, headers: Any, limit: int, sink: Any = None, accept: Any = None) -> Any:
        from torchsmith.host.http import Answer

        first, _, last = headers["Range"].removeprefix("bytes=").partition("-")
        start = int(first) if first else len(self.data) - int(last)
        end = int(last) + 1 if first else len(self.data)
        body = self.data[start:end]
        assert sink is None or len(body) <= limit
        self.taken += len(body)
        answer = Answer(url, 206, (("content-range", f"bytes {start}-{end - 1}/{len(self.data)}"),), b"" if sink else body)
        if accept:
            assert accept(answer)
        if sink:
            sink(body)
        return answer


class TestPasswords:
    @pytest.mark.parametrize("where", ["url", "netrc", "wrong", "none"])
    def test_a_guarded_index(self, where: str, tmp_path: Path) -> None:
        with serving(Package(NAME, WHEEL), user=("me", "p@ss word")) as server:
            environ = {}
            if where in {"url", "wrong"}:
                password = "p%40ss%20word" if where == "url" else "no"
                environ["PIP_INDEX_URL"] = server.index.replace("127", f"me:{password}@127")
            if where == "netrc":
                (tmp_path / "netrc").write_text('machine 127.0.0.1 login me password "p@ss word"')
                environ["NETRC"] = str(tmp_path / "netrc")
            asked = host(server, **environ)
            listed, found = asked.project_files("thing"), asked.remote_wheel("thing", NAME)
        if where in {"url", "netrc"}:
            assert value(found)["wheel"]["name"] == "thing"
        else:
            assert "asks for user and password" in reason(listed)
        assert not any(secret in f"{listed}{found}" for secret in ("p@ss", "p%40ss", "me:"))

    def test_a_password_stays_with_its_host(self) -> None:
        with serving(Package(NAME, WHEEL)) as other:

            def away(request: Request) -> bool:
                request.answer(302, b"", Location=f"{other.address}{request.path}")
                return True

            with serving(trap=away, user=("me", "secret")) as server:
                found = host(server, PIP_INDEX_URL=server.index.replace("127", "me:secret@127")).project_files("thing")
                assert "authorization" in server.asked[0][1]
            assert isinstance(found, Known)
            assert all("authorization" not in headers for _, headers in other.asked)

    def test_a_proxy(self) -> None:
        with serving(Package(NAME, WHEEL)) as proxy:

            def shorten(request: Request) -> bool:
                request.path = request.path.removeprefix("http://index.example")
                return False

            proxy.trap = shorten
            environ = {"PIP_INDEX_URL": "http://index.example/simple", "http_proxy": proxy.address.replace("127", "u:secret@127")}
            assert value(host(proxy, **environ).project_files("thing"))["files"]
            assert proxy.asked[0][0] == "http://index.example/simple/thing/"
            assert proxy.asked[0][1]["proxy-authorization"].startswith("Basic ")
            direct = host(proxy, **environ, NO_PROXY="index.example").project_files("thing")
            assert isinstance(direct, Unknown)
            assert len(proxy.asked) == 1


@pytest.fixture
def client() -> Iterator[Client]:
    with closing(Client(Settings())) as made:
        yield made


def hostile(trap: Any, wait: float = 2.0) -> str:
    """How our client puts into words what such a server does with a wheel."""
    with (
        serving(Package(NAME, WHEEL), trap=trap) as server,
        closing(Client(Settings(wait=wait))) as client,
        pytest.raises(HttpError) as caught,
    ):
        RemoteFile(client, f"{server.address}/files/{NAME}")
    return str(caught.value)


class TestHostile:
    def test_redirects_in_a_circle(self) -> None:
        assert "redirects more than 10 times" in hostile(lambda r: r.answer(302, b"", Location=r.path) is None)

    @pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://host/x", "gopher://x", "http://", "//[", "javascript:1", ""])
    def test_redirects_out_of_http(self, to: str) -> None:
        said = hostile(lambda r: r.answer(302, b"", Location=to) is None)
        assert "not followed" in said or "is no address" in said or "redirects more than" in said

    def test_another_part_than_asked_for(self) -> None:
        said = hostile(lambda r: r.answer(206, WHEEL[:100], Content_Range=f"bytes 5-104/{len(WHEEL)}") is None)
        assert "another part" in said

    @pytest.mark.parametrize(
        "told", ["", "bytes */100", "bytes 9-5/100", "bytes 0-99/5", "bytes 0-99/*", "items 0-1/2", "bytes 0-" + "9" * 30]
    )
    def test_a_part_that_is_not_named(self, told: str) -> None:
        assert "which part of the file" in hostile(lambda r: r.answer(206, WHEEL[:100], Content_Range=told) is None)

    def test_more_bytes_than_the_part_has(self) -> None:
        said = hostile(lambda r: r.answer(206, WHEEL[:200], Content_Range=f"bytes 0-99/{len(WHEEL)}") is None)
        assert "another part" in said

    def test_an_endless_body(self) -> None:
        def endless(request: Request) -> bool:
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {len(WHEEL) - FIRST}-{len(WHEEL) - 1}/{len(WHEEL)}")
            request.end_headers()
            while not request.close_connection:
                request.send(bytes(100_000))
            return True

        assert "more than the" in hostile(endless)

    def test_a_body_that_comes_by_the_byte(self) -> None:
        def drip(request: Request) -> bool:
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {len(WHEEL) - FIRST}-{len(WHEEL) - 1}/{len(WHEEL)}")
            request.send_header("Content-Length", str(FIRST))
            request.end_headers()
            for _ in range(100):
                if request.close_connection:
                    break
                request.send(b"x")
                time.sleep(0.5)
            return True

        with (
            serving(trap=drip) as server,
            closing(Client(Settings(wait=1))) as client,
            pytest.raises(HttpError, match="no whole answer within"),
        ):
            client.get(f"{server.address}/x", {}, FIRST)

    def test_headers_that_never_come(self) -> None:
        def silent(_: Request) -> bool:
            time.sleep(3)
            return False

        assert "no answer in time" in hostile(silent, wait=0.5)

    def test_a_lying_length(self) -> None:
        def short(request: Request) -> bool:
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {len(WHEEL) - FIRST}-{len(WHEEL) - 1}/{len(WHEEL)}")
            request.send_header("Content-Length", str(FIRST))
            request.end_headers()
            request.send(WHEEL[-100:])
            request.connection.close()
            request.close_connection = True
            return True

        said = hostile(short)
        assert "ends after" in said or "reset" in said

    def test_a_file_that_changes_meanwhile(self, client: Client) -> None:
        with serving(Package(NAME, WHEEL)) as server:
            file = RemoteFile(client, f"{server.address}/files/{NAME}")
            server.etag = '"2"'
            with pytest.raises(HttpError, match="changed while it was read"):
                file.read_at(10, 0)

    def test_a_gzip_bomb_for_a_page(self) -> None:
        bomb = gzip.compress(bytes(index.PAGE_LIMIT + 1))
        with serving(trap=lambda r: r.answer(200, bomb, Content_Encoding="gzip") is None) as server:
            assert "inflates to more than" in reason(host(server).project_files("thing"))

    def test_a_page_without_end(self) -> None:
        with serving(trap=lambda r: r.answer(200, b"", Content_Length=str(1 << 60)) is None) as server:
            assert "where at most" in reason(host(server).project_files("thing"))

    def test_no_http_at_all(self) -> None:
        def rubbish(request: Request) -> bool:
            request.send(b"\x16\x03\x01 what?\r\n\r\n")
            request.close_connection = True
            return True

        assert hostile(rubbish)


class TestConfiguration:
    def config(self, tmp_path: Path, index_url: str = "", **environ: str) -> index_config.Config:
        environ = {"XDG_CONFIG_DIRS": str(tmp_path / "etc"), "PIP_CONFIG_FILE": str(tmp_path / "pip.conf"), **environ}
        return index_config.config(environ, str(tmp_path / "home"), str(tmp_path), index_url)

    def test_the_order(self, tmp_path: Path) -> None:
        assert self.config(tmp_path, "http://option", PIP_INDEX_URL="http://pip").indexes == ("http://option",)
        assert self.config(tmp_path, PIP_INDEX_URL="http://pip", UV_INDEX_URL="http://uv").indexes[0] == "http://pip"
        assert self.config(tmp_path, UV_DEFAULT_INDEX="http://uv", UV_INDEX_URL="http://old").indexes[0] == "http://uv"

    def test_pip_s_files(self, tmp_path: Path) -> None:
        (tmp_path / "pip.conf").write_text(
            "[global]\nindex_url = http://me:secret@one/simple\nextra-index-url =\n  http://two\n  http://three\ncert = /c.pem\n"
            "proxy = http://proxy:1\n[install]\ntrusted-host = one\n    two\n"
        )
        found = self.config(tmp_path)
        assert found.indexes == ("http://me:secret@one/simple", "http://two", "http://three")
        assert found.origin == str(tmp_path / "pip.conf")
        assert found.settings.certificates == "/c.pem"
        assert found.settings.trusted == ("one", "two")
        assert found.settings.proxies == (("all", "http://proxy:1"),)
        assert found.settings.credentials == (("one", ("me", "secret")),)
        assert self.config(tmp_path, PIP_EXTRA_INDEX_URL="http://four").indexes[1:] == ("http://four",)

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("uv.toml", '[[index]]\nurl = "http://main"\ndefault = true\n[[index]]\nname = "more"\nurl = "http://more"\n'),
            ("uv.toml", 'index-url = "http://main"\nextra-index-url = ["http://more"]\n'),
            ("uv.toml", '[pip]\nindex-url = "http://main"\nextra-index-url = ["http://more"]\n'),
            ("pyproject.toml", '[tool.uv]\nindex-url = "http://main"\nextra-index-url = ["http://more"]\n'),
        ],
    )
    def test_uv_s_files(self, name: str, text: str, tmp_path: Path) -> None:
        (tmp_path / "pip.conf").write_text("")
        (tmp_path / name).write_text(text)
        assert self.config(tmp_path).indexes[:2] == ("http://main", "http://more")
        assert self.config(tmp_path, PIP_INDEX_URL="http://pip").indexes == ("http://pip", "http://more")

    def test_broken_files_are_as_none(self, tmp_path: Path) -> None:
        (tmp_path / "pip.conf").write_text("index-url = x\n[[[")
        (tmp_path / "uv.toml").write_text("= = =")
        assert self.config(tmp_path, PIP_INDEX_URL="http://pip").indexes == ("http://pip",)

    def test_pip_itself_knows_the_default(self) -> None:
        from pip._internal.models.index import PyPI

        assert index_config.built_in({}) == PyPI.simple_url

    def test_without_any_pip_the_user_is_told_what_to_do(self) -> None:
        nothing = index.Index(index_config.Config((), (), "nothing", Settings()))
        assert "set PIP_INDEX_URL" in reason(nothing.answer("page", "thing"))

    def test_no_index(self, tmp_path: Path) -> None:
        found = self.config(tmp_path, PIP_NO_INDEX="1", PIP_FIND_LINKS="/a /b")
        assert (found.indexes, found.links) == ((), ("/a", "/b"))


def test_certificates_that_are_not_there() -> None:
    client = Client(Settings(certificates="/nonexistent.pem"))
    with pytest.raises(HttpError, match=r"certificates in /nonexistent\.pem cannot be used"):
        client.get("https://127.0.0.1:9/", {}, 10)
