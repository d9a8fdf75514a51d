"""Seed 004, end to end: WhisperX with torch, NumPy and cuDNN, chosen by the tables, installed by the real tools, taken back.

The wheels are tiny and bear the names, versions and requirements of the real ones.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.act import bad_indexes
from tests.managers import index
from tests.managers.applied import PYTHON, Home, home, option

from torchsmith.app import asked, plan
from torchsmith.choose import decide
from torchsmith.host.local import LocalHost
from torchsmith.managers import transactions
from torchsmith.model.choice import Option, Pin, Requirement, Wishes
from torchsmith.model.transaction import Outcome

pytestmark = pytest.mark.slow

ASSUMED = ["gpu=RTX 3060", "driver=570.124.06", "glibc=2.35"]
TWELVE = ("nvidia-cudnn-cu12==9.10.2.21", "nvidia-cublas-cu12==12.8.4.1")
SHELF: dict[str, dict[str, tuple[str, ...]]] = {
    "torch": {"2.2.0": ("nvidia-cudnn-cu12==8.9.2.26",), "2.8.0": TWELVE, "2.13.0": ("nvidia-cudnn-cu13==9.20",)},
    "torchvision": {
        "0.17.0": ("torch==2.2.0", "numpy"),
        "0.23.0": ("torch==2.8.0", "numpy"),
        "0.28.0": ("torch==2.13.0", "numpy"),
    },
    "torchaudio": {"2.2.0": ("torch==2.2.0",), "2.8.0": ("torch==2.8.0",), "2.11.0": ()},
    "torchcodec": {"0.7.0": (), "0.17.0": ()},
    "whisperx": {
        "3.4.2": ("torch>=2.5.1", "numpy>=2.0.2", "ctranslate2<4.5.0", "faster-whisper>=1.1.1", "pyannote-audio>=3.3.2"),
        "3.8.6": (
            *("torch~=2.8.0", "torchaudio~=2.8.0", "torchvision~=0.23.0", "torchcodec<0.8.0,>=0.6.0", "numpy>=2.1.0"),
            *("ctranslate2>=4.5.0", "faster-whisper>=1.2.0", "pyannote-audio>=4.0.0"),
        ),
    },
    "ctranslate2": {"4.4.0": ("numpy",), "4.8.5": ("numpy",)},
    "faster-whisper": {"1.2.1": ("ctranslate2<5,>=4.0",)},
    "pyannote-audio": {"3.4.0": ("torch>=2.0.0",), "4.0.7": ("torch>=2.8.0", "torchaudio>=2.8.0", "torchcodec>=0.7.0")},
    "numpy": {"1.26.4": (), "2.1.2": (), "2.4.0": ()},
    "nvidia-cudnn-cu11": {"8.7.0.84": ()},
    "nvidia-cudnn-cu12": {"8.9.2.26": (), "9.10.2.21": ("nvidia-cublas-cu12",)},
    "nvidia-cudnn-cu13": {"9.20": ()},
    "nvidia-cublas-cu12": {"12.8.4.1": ()},
}
GPU = """
class version:
    cuda = {cuda!r}
class cuda:
    is_available = staticmethod(lambda: True)
    get_device_name = staticmethod(lambda number: "NVIDIA GeForce RTX 3060")
"""
CUDA = {"2.2.0": "12.1", "2.8.0": "12.8", "2.13.0": "13.0"}
STACK = {"torch": "2.8.0", "torchvision": "0.23.0", "torchaudio": "2.8.0", "whisperx": "3.8.6", "ctranslate2": "4.8.5"}
STACK |= {"pyannote-audio": "4.0.7", "faster-whisper": "1.2.1", "nvidia-cudnn-cu12": "9.10.2.21"}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("index")
    for name, releases in SHELF.items():
        page = root / "pypi" / name
        page.mkdir(parents=True)
        for version, needs in releases.items():
            files = {}
            if name == "torch":
                files["torch/__init__.py"] = f"__version__ = {version!r}\n{index.TORCH}{GPU.format(cuda=CUDA[version])}"
            plain = name.replace("-", "_")
            data = bad_indexes.wheel(files, name=plain, version=version, needs=needs)
            (page / f"{plain}-{version}-py3-none-any.whl").write_bytes(data)
        links = "\n".join(f'<a href="{file.name}">{file.name}</a>' for file in sorted(page.glob("*.whl")))
        (page / "index.html").write_text(f"<!DOCTYPE html><html><body>\n{links}\n</body></html>\n")
    with index.served(root) as url:
        yield f"{url}/pypi"


@pytest.fixture(autouse=True)
def told(shelf: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in tuple(os.environ):
        if name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    told = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": shelf,
        "UV_DEFAULT_INDEX": shelf,
        "UV_NO_CONFIG": "1",
        "UV_CACHE_DIR": str(tmp_path / "cache"),
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def guide(shelf: str, tmp_path: Path) -> Home:
    """What the guide's own commands leave: an old torch, a NumPy that it was not built against, two cuDNNs."""
    first = ("torch==2.2.0", "torchvision==0.17.0", "torchaudio==2.2.0", "numpy==1.26.4")
    return home(tmp_path, *first, "nvidia-cudnn-cu11==8.7.0.84", by="pip", index=shelf)


def chosen(at: Home, need: str) -> Option:
    """What the tables choose for the GPU of the guide, by pip."""
    host, assumed = asked.evidence(LocalHost(wait=20), None, str(at.python), ASSUMED)
    situation, _ = plan.look(host, assumed, Wishes(needs=(Requirement(need, "", "--need"),)))
    return next(option for option in decide.decide(situation).options if option.approach.name == "pip")


def carried_out(at: Home, best: Option, goal: str = "") -> Outcome:
    transaction = at.made(best, at.place("pip", "2.2.0+cu121", goal=goal, sms=(86,)))
    assert transaction.expected.gpu
    return at.carry_out(transaction)


@pytest.mark.parametrize("goal", ["", transactions.CLEAN], ids=["in place", "clean"])
def test_whisperx_is_installed_with_what_it_works_with(guide: Home, goal: str) -> None:
    before, had = guide.state(), guide.installed()
    best = chosen(guide, "whisperx")
    assert (best.candidate.torch, best.candidate.python) == ("2.8.0", PYTHON)
    outcome = carried_out(guide, best, goal)
    assert outcome.status == "done", outcome
    have = guide.installed()
    assert {name: have[name] for name in STACK} == STACK
    assert have["numpy"].startswith("2.")  # as WhisperX asks; the newest torch and the newest torchcodec were not taken
    assert have["torchcodec"] == "0.7.0"
    checks = {name: passed for name, passed, _ in outcome.checks}
    assert checks["torch sees the GPU"]
    assert checks["matrix product on the GPU is exact"]
    assert checks["import whisperx"]
    guide.undo()
    assert (guide.state(), guide.installed()) == (before, had)


def test_the_guides_conflict_is_declared_and_works_all_the_same(shelf: str, tmp_path: Path) -> None:
    """Torch 2.2 beside WhisperX 3.4.2, as the guide has it: uv says nothing of that, and here both kinds are told apart."""
    there = ("torch==2.8.0", "torchvision==0.23.0", "numpy==2.1.2", "whisperx==3.4.2", "ctranslate2==4.4.0", "--no-deps")
    at = home(tmp_path, *there, index=shelf)
    wanted = option("uv", "cu121", None, Pin("numpy", "1.26.4"), torch="2.2.0", vision="0.17.0")
    outcome = at.carry_out(at.made(wanted, at.place("uv", "2.8.0+cu128")))
    assert outcome.status == "done", outcome
    told = {name: found for name, passed, found in outcome.checks if passed and name.startswith("whisperx")}
    assert told == {
        "whisperx works beside torch 2.2.0": "whisperx 3.4.2 declares torch>=2.5.1, and 2.2.0 is here; it imports all the same",
        "whisperx works beside numpy 1.26.4": "whisperx 3.4.2 declares numpy>=2.0.2, and 1.26.4 is here; it imports all the same",
    }


def test_a_conflict_that_does_not_work_is_not_put_in_place(shelf: str, tmp_path: Path) -> None:
    """The same, where WhisperX needs what only the newer torch has."""
    at = home(tmp_path, "torch==2.8.0", "torchvision==0.23.0", "numpy==2.1.2", "whisperx==3.4.2", "--no-deps", index=shelf)
    module = next(at.prefix.rglob("site-packages")) / "whisperx" / "__init__.py"
    text = "import torch\nassert torch.__version__ >= '2.5', 'torch is too old'\n"
    record = next(at.prefix.rglob("whisperx-3.4.2.dist-info")) / "RECORD"
    record.write_text(record.read_text().replace(f",{module.stat().st_size}", f",{len(text)}"))
    module.unlink()
    module.write_text(text)
    before = at.state()
    wanted = option("uv", "cu121", None, Pin("numpy", "1.26.4"), torch="2.2.0", vision="0.17.0")
    outcome = at.carry_out(at.made(wanted, at.place("uv", "2.8.0+cu128")))
    assert (outcome.status, outcome.exit_code) == ("failed", 5)
    assert "whisperx 3.4.2 declares torch>=2.5.1, and 2.2.0 is here; AssertionError: torch is too old" in outcome.problem
    assert at.state() == before
