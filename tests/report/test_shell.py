"""Commands as a shell takes them: on Windows cmd and PowerShell alike."""

from __future__ import annotations

import pytest

from torchsmith.report.shell import quoted


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (("pip", "install", "torch>=2.4.1"), 'pip install "torch>=2.4.1"'),
        (("pip", "install", "numpy>=1.26,<2"), 'pip install "numpy>=1.26,<2"'),
        (("python", "-c", "import torch; print(torch.version.cuda)"), 'python -c "import torch; print(torch.version.cuda)"'),
        (("dir", r"C:\Program Files\NVIDIA"), r'dir "C:\Program Files\NVIDIA"'),
        (("pip", "install", "torch!=2.5.0"), 'pip install "torch!=2.5.0"'),
        (("pip", "install", "torch==2.4.1+cu121"), "pip install torch==2.4.1+cu121"),
        ((r"C:\My Python\python.exe", "-V"), r'& "C:\My Python\python.exe" -V'),
    ],
)
def test_windows(argv: tuple[str, ...], line: str) -> None:
    assert quoted(argv, "powershell") == line


@pytest.mark.parametrize("word", ["$(calc)", "a`b c", 'a"b', "%PATH% x", "\u201cx y", "it's $x"])
def test_what_a_shell_would_replace_stays_in_single_quotes(word: str) -> None:
    shown = quoted(("echo", word), "powershell").removeprefix("echo ")
    assert shown[0] == shown[-1] == "'"
