"""Bytes of any origin -> text: UTF-8, UTF-16, what Windows' code pages wrote between; and what is no text at all."""

from __future__ import annotations

from itertools import pairwise

from torchsmith.model.errors import UnreadableInputError

_BOMS = ((b"\xff\xfe\x00\x00", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_HEAD = 4096
_BINARIES = (
    (b"\x7fELF", "an ELF file (a program or library of Linux)"),
    (b"MZ", "a program or library of Windows"),
    (b"PK\x03\x04", "a zip archive or a wheel"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"%PDF-", "a PDF file"),
    (b"\x1f\x8b", "packed with gzip"),
    (b"BZh", "packed with bzip2"),
    (b"\xfd7zXZ", "packed with xz"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"!<arch>\n", "an archive of object files"),
    (b"\xcf\xfa\xed\xfe", "a program or library of macOS"),
    (b"\xca\xfe\xba\xbe", "a program or library of macOS"),
    (b"SQLite format 3\0", "an SQLite database"),
)
_INSPECTED = ("ELF", "Windows", "wheel", "macOS", "object files")
_SAMPLE = 64 * 1024
_STRANGE = 0.25
"""Share of control and undecodable characters above which something is no text."""
_WORDS = 16
"""Bytes below which nothing is called strange: an accident of a paste."""
# What Windows writes in the encoding of its own language, told apart by words that occur in its messages.
_PAGES = (
    ("gb18030", ("找不到", "指定", "模块", "程序", "动态链接", "错误", "页面文件", "系统", "拒绝")),
    ("cp932", ("指定された", "モジュール", "見つかり", "エラー", "システム", "ファイル", "アクセス", "プロシージャ")),
    ("cp949", ("지정된", "모듈", "찾을", "오류", "파일", "시스템", "프로시저")),
    ("big5", ("找不到", "指定", "模組", "程序", "錯誤", "系統", "存取")),
    ("cp1251", ("Не ", "не ", "модул", "найден", "указан", "ошибк", "файл")),
)
_PAGE_LINE = 4096


def refuse(data: bytes) -> None:
    """Say of what is no text what it is.

    Raises:
        UnreadableInputError: nothing is there, or it is a binary file.

    """
    if not data.strip(b" \t\r\n\0\x0b\x0c\xef\xbb\xbf\xff\xfe"):
        raise UnreadableInputError("the input is empty: give the error with some lines before it, or the file that holds it")
    kind = next((kind for start, kind in _BINARIES if data.startswith(start)), "")
    if kind and not (data.startswith((b"MZ", b"BZh", b"GIF8")) and _looks_like_text(data)):
        advice = "`torchsmith inspect` reads it" if any(word in kind for word in _INSPECTED) else "give the text that is in it"
        raise UnreadableInputError(f"the input is {kind}, no text: {advice}")
    if not _looks_like_text(data):
        raise UnreadableInputError("the input is a binary file, no text: `torchsmith inspect` reads libraries and wheels")


def _looks_like_text(data: bytes) -> bool:
    sample = decode(data[:_SAMPLE])
    if len(sample) < _WORDS:
        return True
    strange = sum(1 for c in sample if c == "\ufffd" or (c < " " and c not in "\t\r\n\x1b\x08\x0c\0"))
    # Zeros between letters are a broken UTF-16; many of them in a row are none.
    return strange + sample.count("\0\0\0\0") * 4 < _STRANGE * len(sample)


def wide(head: bytes) -> str:
    """The encoding of a text that begins like this, if it is one of two or four bytes: by its mark, or by its zeros."""
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding
    zeros = head.count(0)
    if len(head) > 8 and zeros * 3 > len(head):
        return "utf-16-le" if head[1::2].count(0) * 2 > zeros else "utf-16-be"
    return ""


def decode(data: bytes) -> str:
    """The text of ``data``: by its mark, as UTF-8, as UTF-16 without a mark; else line by line. What is nothing is replaced."""
    if encoding := wide(data[:_HEAD]):
        return data.decode(encoding, "replace")
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\n".join(_line(line) for line in data.split(b"\n"))
    return text if "\0" not in text else "\n".join(_without_zeros(line) for line in text.split("\n"))


def _line(line: bytes) -> str:
    """One line as UTF-8, or in the code page of a Windows."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        pass
    for page, words in _PAGES:
        try:
            text = line[:_PAGE_LINE].decode(page)
        except UnicodeDecodeError:
            continue
        if any(word in text for word in words):
            return text
    if b"\0" not in line and not any(0x80 <= byte < 0xA0 for byte in line[:_PAGE_LINE]) and _alone(line[:_PAGE_LINE]):
        return line.decode("cp1252", "replace")
    return line.decode("utf-8", "replace")


def _alone(line: bytes) -> bool:
    """Whether bytes above ASCII stand between ASCII ones, as the accents of western languages do."""
    high = [place for place, byte in enumerate(line) if byte > 0x7F]
    return all(later - earlier > 1 for earlier, later in pairwise(high))


def _without_zeros(line: str) -> str:
    """A line of UTF-16 that was appended to UTF-8 (PowerShell's ``>>``) has a zero beside every letter."""
    return line.replace("\0", "") if line.count("\0") * 3 > len(line) else line
