"""What every table must obey, one pure function per law.

A law takes a table and all tables by name, and yields one sentence per violation. ``schema.toml`` names the laws of
each table; the tests run them and show that each can fail.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torchsmith.knowledge import laws_of_decisions, laws_of_libraries, laws_of_models, laws_of_packages
from torchsmith.knowledge.load import Cell, Row, Table
from torchsmith.model.versions import at_least, cuda_of_label, key

Tables = Mapping[str, Table]
Law = Callable[[Table, Tables], Iterator[str]]


def keys_unique(table: Table, _tables: Tables) -> Iterator[str]:
    """No two rows of a table have the same key."""
    for cells, count in Counter(tuple(row[column] for column in table.key) for row in table.rows).items():
        if count > 1:
            yield f"{cells} occurs {count} times"


def not_empty(table: Table, _tables: Tables) -> Iterator[str]:
    """A table has rows."""
    if not table.rows:
        yield "no rows"


def sources_resolve(table: Table, tables: Tables) -> Iterator[str]:
    """Every row names a source, and every name stands in ``sources``."""
    known = {row["name"] for row in tables["sources"].rows}
    for row in table.rows if "source" in table.columns else ():
        for part in str(row["source"]).split(";"):
            if part.strip().partition("@")[0] not in known:
                yield f"{_name(table, row)}: unknown source {part.strip()!r}"


def compiled_columns_exist(table: Table, _tables: Tables) -> Iterator[str]:
    """What is compiled is a column, or a section of a table without common columns."""
    for column in table.compiled:
        if column not in table.columns and column not in table.sections:
            yield f"`{column}` is compiled and does not exist"


def releases_in_order(table: Table, _tables: Tables) -> Iterator[str]:
    """A higher version was released later, and the rows stand in that order."""
    for before, after in zip(table.rows, table.rows[1:], strict=False):
        if not (key(str(before["torch"])) < key(str(after["torch"])) and str(before["released"]) <= str(after["released"])):
            yield f"{before['torch']} before {after['torch']}"


def python_tags_fit_release(table: Table, _tables: Tables) -> Iterator[str]:
    """No Python tag lies below what the release requires."""
    for row in table.rows:
        lowest = key(str(row["requires_python"]).removeprefix(">="))[1]
        for column in table.columns:
            for tag in _strings(row[column]) if column.startswith("python_") else ():
                if int(tag.removeprefix("cp3").rstrip("t")) < lowest:
                    yield f"{row['torch']}: {tag} in `{column}`"


def builds_have_a_release(table: Table, tables: Tables) -> Iterator[str]:
    """Every torch version is a listed release."""
    releases = {row["torch"] for row in tables["torch_releases"].rows}
    for row in table.rows:
        if row["torch"] not in releases:
            yield f"{_name(table, row)}: no such release"


def builds_and_archs_agree(_table: Table, tables: Tables) -> Iterator[str]:
    """A CUDA build has an architecture list, and the other way round."""
    columns = ("torch", "build", "platform")
    built = {tuple(row[column] for column in columns) for row in tables["torch_builds"].rows if row["kind"] == "cuda"}
    listed = {tuple(row[column] for column in columns) for row in tables["gpu_archs_in_builds"].rows}
    for cells in sorted(built ^ listed, key=str):
        yield f"{cells} stands in one table only"


def toolkit_of_build_exists(table: Table, tables: Tables) -> Iterator[str]:
    """The toolkit of a build is listed and is the one that its label names."""
    toolkits = {row["version"] for row in tables["cuda_toolkits"].rows}
    for row in table.rows:
        toolkit = row["toolkit"]
        if toolkit is None or row["kind"] != "cuda":
            continue
        if toolkit not in toolkits:
            yield f"{_name(table, row)}: toolkit {toolkit} is not listed"
        if key(str(toolkit))[:2] != key(cuda_of_label(str(row["build"])) or ""):
            yield f"{_name(table, row)}: toolkit {toolkit} is not that of {row['build']}"


def one_default_per_platform(table: Table, _tables: Tables) -> Iterator[str]:
    """A release has exactly one default build on each of the three main platforms."""
    defaults = Counter((row["torch"], row["platform"]) for row in table.rows if row["pypi_default"])
    for torch in {row["torch"]: None for row in table.rows}:
        for platform in ("linux-x86_64", "linux-aarch64", "windows"):
            if defaults[torch, platform] != 1:
                yield f"{torch} on {platform}: {defaults[torch, platform]} defaults"


def index_url_follows_pattern(table: Table, tables: Tables) -> Iterator[str]:
    """The index URL of a build is the pattern with its label, and CUDA labels are published ones."""
    index = next(row for row in tables["indexes"].rows if row["name"] == "pytorch")
    for row in table.rows:
        if row["index_url"] != str(index["pattern"]).format(build=row["build"]):
            yield f"{_name(table, row)}: {row['index_url']}"
        if row["kind"] == "cuda" and row["build"] not in _strings(index["labels"]):
            yield f"{_name(table, row)}: label is not published"


def cudnn_of_build_exists(table: Table, tables: Tables) -> Iterator[str]:
    """The cuDNN of a build is a published wheel. Before 8.5 there were none."""
    wheels = {(row["package"], row["version"]) for row in tables["cudnn"].rows}
    for row in table.rows:
        if row["cudnn"] is None or not at_least(str(row["cudnn"]), "8.5"):
            continue
        package = f"nvidia-cudnn-{str(row['build'])[:4]}"
        if (package, row["cudnn"]) not in wheels:
            yield f"{_name(table, row)}: {package} {row['cudnn']} is not listed"


def pins_agree_with_builds(table: Table, tables: Tables) -> Iterator[str]:
    """The cuDNN that the default wheel requires is the cuDNN of the default build."""
    required: dict[tuple[Cell, Cell], set[str]] = defaultdict(set)
    for row in table.rows:
        if "cudnn" in str(row["requirement"]):
            required[row["torch"], row["platform"]].add(str(row["version_spec"]))
    for row in tables["torch_builds"].rows:
        pins = required.get((row["torch"], row["platform"]), set()) if row["pypi_default"] else set()
        if row["kind"] == "cuda" and pins and pins != {f"=={row['cudnn']}"}:
            yield f"{row['torch']} {row['platform']}: {sorted(pins)} against {row['cudnn']}"


def archs_known(table: Table, tables: Tables) -> Iterator[str]:
    """Every compute capability is listed in ``cuda_archs``."""
    known = {row["sm"] for row in tables["cuda_archs"].rows}
    for row in table.rows:
        for sm in (*_numbers(row.get("sass")), *_numbers(row.get("ptx")), row.get("sm")):
            if sm is not None and sm not in known:
                yield f"{_name(table, row)}: {sm}"


def arch_lists_ascend(table: Table, _tables: Tables) -> Iterator[str]:
    """Architecture lists ascend without repeats."""
    for row in table.rows:
        for listed in (_numbers(row["sass"]), _numbers(row["ptx"])):
            if list(listed) != sorted(set(listed)):
                yield f"{_name(table, row)}: {listed}"


def archs_fit_toolkit(table: Table, tables: Tables) -> Iterator[str]:
    """No build carries code that its toolkit cannot make."""
    spans = {row["sm"]: (str(row["first_toolkit"]), row["last_toolkit"]) for row in tables["cuda_archs"].rows}
    for row in table.rows:
        cuda = cuda_of_label(str(row["build"])) or ""
        for sm in (*_numbers(row["sass"]), *_numbers(row["ptx"])):
            if sm in spans and not _alive(cuda, spans[sm]):
                yield f"{_name(table, row)}: {sm} with CUDA {cuda}"


def arch_ranges_nest(table: Table, _tables: Tables) -> Iterator[str]:
    """Architectures ascend, a range is not upside down, and none outlives a newer desktop one."""
    capabilities = [_number(row["sm"]) for row in table.rows]
    if capabilities != sorted(capabilities):
        yield "compute capabilities do not ascend"
    for row in table.rows:
        if row["last_toolkit"] is not None and key(str(row["last_toolkit"])) < key(str(row["first_toolkit"])):
            yield f"{row['sm']}: ends before it begins"
    newest_end: tuple[int, ...] = ()
    for row in table.rows:
        end = key(str(row["last_toolkit"])) if row["last_toolkit"] is not None else (99,)
        # 101 was renamed to 110 and so ends while older ones live on.
        if end < newest_end and row["sm"] != 101:
            yield f"{row['sm']}: dropped before an older one"
        newest_end = max(newest_end, end)


def versions_ascend(table: Table, _tables: Tables) -> Iterator[str]:
    """Rows stand in the order of their versions."""
    for before, after in zip(table.rows, table.rows[1:], strict=False):
        if not key(str(before[table.key[0]])) < key(str(after[table.key[0]])):
            yield f"{before[table.key[0]]} before {after[table.key[0]]}"


def toolkit_range_agrees_with_archs(table: Table, tables: Tables) -> Iterator[str]:
    """The lowest and highest capability of a toolkit are those of the architectures alive in it.

    10.2 is older than the architecture table; its Kepler 3.0 is not listed.
    """
    spans = [(_number(row["sm"]), (str(row["first_toolkit"]), row["last_toolkit"])) for row in tables["cuda_archs"].rows]
    for row in table.rows:
        minor = ".".join(map(str, key(str(row["version"]))[:2]))
        alive = [sm for sm, span in spans if _alive(minor, span)]
        if at_least(minor, "11.0") and (min(alive), max(alive)) != (row["sass_min"], row["sass_max"]):
            yield f"{row['version']}: {row['sass_min']}..{row['sass_max']} against {min(alive)}..{max(alive)}"


def toolkit_driver_in_branch(table: Table, tables: Tables) -> Iterator[str]:
    """The Linux driver of a toolkit belongs to the branch that it names, and the branch is listed."""
    branches = {row["branch"] for row in tables["drivers"].rows}
    for row in table.rows:
        branch, driver = row["driver_branch"], row["driver_linux"]
        if branch is not None and branch not in branches:
            yield f"{row['version']}: branch {branch} is not listed"
        if branch is not None and driver is not None and not str(driver).startswith(f"{branch}."):
            yield f"{row['version']}: {driver} is not of branch {branch}"


def drivers_monotone(table: Table, _tables: Tables) -> Iterator[str]:
    """A newer branch supports a newer CUDA, drops no GPU's newer neighbour and takes none back."""
    for before, after in zip(table.rows, table.rows[1:], strict=False):
        for column in ("branch", "max_cuda", "first_linux"):
            if not key(str(before[column])) < key(str(after[column])):
                yield f"{column} of {before['branch']} and {after['branch']}"
        for column in ("oldest_sm", "newest_sm"):
            if _number(before[column]) > _number(after[column]):
                yield f"{column} of {before['branch']} and {after['branch']}"


def drivers_disjoint(table: Table, _tables: Tables) -> Iterator[str]:
    """Windows ranges do not overlap, and a branch's first Linux driver is of that branch."""
    for before, after in zip(table.rows, table.rows[1:], strict=False):
        if _number(before["windows_major_to"]) >= _number(after["windows_major_from"]):
            yield f"Windows ranges of {before['branch']} and {after['branch']}"
    for row in table.rows:
        if _number(row["windows_major_from"]) > _number(row["windows_major_to"]):
            yield f"Windows range of {row['branch']}"
        if key(str(row["first_linux"]))[0] != key(str(row["branch"]))[0]:
            yield f"{row['first_linux']} is not of branch {row['branch']}"


def drivers_know_archs(table: Table, tables: Tables) -> Iterator[str]:
    """The newest GPU of a branch is one that its own CUDA knows."""
    first = {row["sm"]: str(row["first_toolkit"]) for row in tables["cuda_archs"].rows}
    for row in table.rows:
        since = first.get(row["newest_sm"])
        if since is None or key(since) > key(str(row["max_cuda"])):
            yield f"{row['branch']}: {row['newest_sm']} is newer than CUDA {row['max_cuda']}"


def cudnn_major_is_first_number(table: Table, _tables: Tables) -> Iterator[str]:
    """The major of a cuDNN wheel is the first number of its version."""
    for row in table.rows:
        if key(str(row["version"]))[0] != row["major"]:
            yield f"{_name(table, row)}: major {row['major']}"


def companions_agree(table: Table, tables: Tables) -> Iterator[str]:
    """The companions listed for a torch exist and, where they pin it, pin that torch."""
    wants = {(row["package"], row["version"]): row["torch_spec"] for row in tables["companion_requirements"].rows}
    for row in table.rows:
        for package in ("torchvision", "torchaudio"):
            version = row[package]
            if (package, version) not in wants:
                yield f"{row['torch']}: {package} {version} is not listed"
                continue
            spec = str(wants[package, version] or "")
            if spec.startswith("==") and spec.partition("+")[0] != f"=={row['torch']}":
                yield f"{row['torch']}: {package} {version} wants {spec}"


def numpy_abi_agrees(table: Table, tables: Tables) -> Iterator[str]:
    """What was measured is what the release says; Python 3.8 stayed on NumPy 1."""
    releases = {row["torch"]: row for row in tables["torch_releases"].rows}
    for row in table.rows:
        column = "numpy_abi_windows" if row["platform"] == "windows" else "numpy_abi_linux"
        said = 1 if row["python_tag"] == "cp38" else releases[str(row["torch"])][column]
        if said != row["built_against_numpy_major"]:
            yield f"{_name(table, row)}: measured {row['built_against_numpy_major']}, said {said}"


def gpu_ids_agree(table: Table, tables: Tables) -> Iterator[str]:
    """Every PCI id of a product is listed with the same compute capability."""
    listed = {row["pci_device_id"]: row["sm"] for row in tables["gpus_pci"].rows}
    for row in table.rows:
        for identifier in _strings(row["pci_ids"]):
            if listed.get(int(identifier, 16)) != row["sm"]:
                yield f"{row['name']}: id {identifier}"


def blocks_hold_ids(table: Table, tables: Tables) -> Iterator[str]:
    """A block that names a capability holds ids of that capability only."""
    blocks = [row for row in tables["pci_blocks"].rows if row["sm"] is not None]
    for row in table.rows:
        for block in blocks:
            inside = _number(block["first"]) <= _number(row["pci_device_id"]) <= _number(block["last"])
            if inside and block["sm"] != row["sm"]:
                yield f"{_number(row['pci_device_id']):04x}: {row['sm']} in a block of {block['sm']}"


def blocks_disjoint(table: Table, _tables: Tables) -> Iterator[str]:
    """Blocks do not overlap."""
    for before, after in zip(table.rows, table.rows[1:], strict=False):
        if _number(before["last"]) >= _number(after["first"]):
            yield f"{_number(before['last']):04x} reaches into the next block"


def causes_well_formed(table: Table, _tables: Tables) -> Iterator[str]:
    """A slug is lower-case words with hyphens, and what tells it is one of two."""
    for row in table.rows:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", str(row["slug"])):
            yield f"{row['slug']}: not a slug"
        if row["tellable_by"] not in {"text", "either", "machine"}:
            yield f"{row['slug']}: tellable by {row['tellable_by']}"


def exceptions_are_known_archs(table: Table, tables: Tables) -> Iterator[str]:
    """A rule of where code runs speaks of listed architectures, and every code runs on its own device."""
    known = {row["sm"] for row in tables["cuda_archs"].rows}
    for section in ("sass_exceptions", "sass_exceptions_13_2", "families"):
        for code, devices in _entries(table, section):
            if {int(code), *devices} - known:
                yield f"{section} {code}: unknown {sorted({int(code), *devices} - known)}"
            if int(code) not in devices:
                yield f"{section} {code}: does not run on its own device"


def floors_are_known_drivers(table: Table, tables: Tables) -> Iterator[str]:
    """A driver floor lies inside the listed branches, and floors ascend with what needs them."""
    rows = tables["drivers"].rows
    majors = {
        "linux": (key(str(rows[0]["branch"]))[0], key(str(rows[-1]["branch"]))[0]),
        "windows": (_number(rows[0]["windows_major_from"]), _number(rows[-1]["windows_major_to"])),
    }
    for section in ("driver_floor_linux", "driver_floor_windows", "gpu_driver_floor_linux", "gpu_driver_floor_windows"):
        lowest, highest = majors[section.rpartition("_")[2]]
        for needs, driver in _entries(table, section):
            if not lowest <= key(driver)[0] <= highest:
                yield f"{section} {needs}: {driver} is of no listed branch"
        floors = [key(driver) for _needs, driver in _entries(table, section)]
        if section.startswith("driver") and floors != sorted(floors):
            yield f"{section}: floors do not ascend"
    for section in ("driver_before_11_linux", "driver_before_11_windows"):
        entries = sorted((key(cuda), key(driver)) for cuda, driver in _entries(table, section))
        shipped = [driver for _cuda, driver in entries]
        if shipped != sorted(set(shipped)):
            yield f"{section}: drivers do not ascend with their toolkits"


GENERAL: tuple[Law, ...] = (not_empty, keys_unique, sources_resolve, compiled_columns_exist)


def laws_of(table: Table) -> tuple[Law, ...]:
    """The laws of a table: the general ones and those that its schema names."""
    return (*GENERAL, *(by_name(name) for name in table.laws))


def by_name(name: str) -> Law:
    """The law of a name; ``KeyError`` if there is none."""
    homes = (laws_of_libraries, laws_of_decisions, laws_of_models, laws_of_packages)
    law: Law = next((found for home in homes if (found := getattr(home, name, None))), None) or globals()[name]
    return law


def _entries(table: Table, section: str) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in table.sections[section].items() if name != "source"]


def _alive(cuda: str, span: tuple[str, Cell]) -> bool:
    first, last = span
    return key(first) <= key(cuda) and (last is None or key(cuda) <= key(str(last)))


def _name(table: Table, row: Row) -> str:
    return " ".join(str(row[column]) for column in table.key)


def _number(cell: Cell) -> int:
    if not isinstance(cell, int):
        raise TypeError(cell)
    return cell


def _numbers(cell: Cell) -> tuple[int, ...]:
    return tuple(item for item in cell if isinstance(item, int)) if isinstance(cell, tuple) else ()


def _strings(cell: Cell) -> tuple[str, ...]:
    return tuple(item for item in cell if isinstance(item, str)) if isinstance(cell, tuple) else ()
