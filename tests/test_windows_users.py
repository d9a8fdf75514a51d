"""Who uses an environment on Windows, by the system's own list of processes and of what each has loaded. Under Wine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lab.wine import Windows, windows_path

pytestmark = [pytest.mark.online, pytest.mark.slow]

SOURCE = Path(__file__).parents[1] / "src"
SCRIPT = r"""
import json, os, shutil, subprocess, sys, time
from pathlib import Path
from torchsmith.act.users import users
root = Path(sys.argv[1])
prefix = root / "Env"
prefix.mkdir()
home = Path(sys.executable).parent
for file in (Path(sys.executable), *home.glob("*.dll")):
    shutil.copy(file, prefix / file.name)
os.environ["PYTHONHOME"] = str(home)
answer = {"before": users(prefix)}
# Started by a child that ends: a process of nobody here.
start = "import subprocess, sys; print(subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL).pid)"
wait = [str(prefix / Path(sys.executable).name), "-c", "import time; time.sleep(60)"]
pid = int(subprocess.run([sys.executable, "-c", start, *wait], stdout=subprocess.PIPE, check=True).stdout)
time.sleep(2)
answer |= {"pid": pid, "by a stranger": users(prefix), "of another": users(root / "Env2")}
answer["in other letters"] = users(root / "ENV")
os.kill(pid, 9)
own = subprocess.Popen(wait)
time.sleep(2)
answer["by us"] = users(prefix)
own.kill()
own.wait()
print("\x02" + json.dumps(answer))
"""


def test_a_process_with_a_program_of_the_environment_is_told(windows: Windows, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    ran = windows.run([tmp_path / "script.py", tmp_path], env={"PYTHONPATH": windows_path(SOURCE)})
    assert ran.returncode == 0, ran.stderr
    answer = json.loads(ran.stdout.partition("\x02")[2])
    assert answer["before"] == []
    assert [line.split()[1] for line in answer["by a stranger"]] == [str(answer["pid"])]
    assert "python" in answer["by a stranger"][0].lower()
    assert answer["in other letters"] == answer["by a stranger"]
    assert answer["of another"] == []
    assert answer["by us"] == []
