"""Every table obeys its laws, and every law can fail."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import torchsmith.knowledge
from torchsmith.knowledge import laws, load

TABLES = {name: load.table(name) for name in load.tables()}
CHECKS = [(name, law.__name__) for name, table in TABLES.items() for law in laws.laws_of(table)]

Breaker = Callable[[load.Row], load.Row]


@pytest.mark.parametrize(("name", "law"), CHECKS)
def test_table_obeys_its_law(name: str, law: str) -> None:
    assert list(laws.by_name(law)(TABLES[name], TABLES)) == []


def broken(name: str, **cells: load.Cell) -> load.Table:
    """The table with these cells in its first row."""
    table = TABLES[name]
    return table._replace(rows=({**table.rows[0], **cells}, *table.rows[1:]))


def where(name: str, wanted: dict[str, load.Cell], **cells: load.Cell) -> load.Table:
    """The table with these cells in the rows that have the wanted ones."""
    table = TABLES[name]
    rows = tuple({**row, **cells} if all(row[column] == cell for column, cell in wanted.items()) else row for row in table.rows)
    assert rows != table.rows
    return table._replace(rows=rows)


def section(name: str, changed: str, **entries: object) -> load.Table:
    """The TOML table with these entries in one section."""
    table = TABLES[name]
    return table._replace(sections={**table.sections, changed: {**table.sections[changed], **entries}})


def doubled(name: str) -> load.Table:
    table = TABLES[name]
    return table._replace(rows=(table.rows[0], *table.rows))


def reversed_rows(name: str) -> load.Table:
    table = TABLES[name]
    return table._replace(rows=table.rows[::-1])


# law, the table that is broken for it, and how
FAULTS: list[tuple[str, load.Table]] = [
    ("not_empty", TABLES["drivers"]._replace(rows=())),
    ("keys_unique", doubled("drivers")),
    ("sources_resolve", broken("drivers", source="hearsay@2026")),
    ("sources_resolve", broken("drivers", source=None)),
    ("compiled_columns_exist", TABLES["drivers"]._replace(compiled=("colour",))),
    ("releases_in_order", reversed_rows("torch_releases")),
    ("releases_in_order", broken("torch_releases", released="2030-01-01")),
    ("python_tags_fit_release", broken("torch_releases", python_windows=("cp36",))),
    ("builds_have_a_release", broken("torch_builds", torch="1.0.0")),
    ("builds_and_archs_agree", TABLES["torch_builds"]),
    ("toolkit_of_build_exists", where("torch_builds", {"toolkit": "12.6.3"}, toolkit="12.6.9")),
    ("toolkit_of_build_exists", where("torch_builds", {"toolkit": "12.6.3"}, toolkit="12.8.0")),
    ("sizes_are_of_builds", broken("install_sizes", build="cu999")),
    ("sizes_are_of_builds", broken("install_sizes", unpacked_bytes=1)),
    ("sizes_are_of_builds", broken("install_sizes", evidence="guessed")),
    ("judgements_are_shares", broken("approaches", reliability=101)),
    ("model_names_are_one", broken("models", aliases=("whisper:base",))),
    ("shapes_are_whole", broken("models", family="llm")),
    ("shapes_are_whole", broken("models", family="llm", layers=1, kv_heads=1, head_dim=1, hidden=1, params_m=9_999_999)),
    ("implementations_name_types", broken("model_implementations", number_types=("fp17",))),
    ("implementations_name_types", broken("model_implementations", fixed_low_mib=9999)),
    ("memory_rows_name_models", broken("model_memory", implementation="nobody")),
    ("memory_rows_name_models", broken("model_memory", kind="measured", mib=1)),
    ("terms_are_ranges", broken("memory_terms", low=1 << 30)),
    ("revisions_hold_published_builds", broken("nix_builds", revision="main")),
    ("revisions_hold_published_builds", broken("nix_builds", build="cu126+", python_tags=("cp27",))),
    ("one_default_per_platform", broken("torch_builds", pypi_default=False)),
    ("index_url_follows_pattern", broken("torch_builds", index_url="https://example.invalid/whl/cpu")),
    (
        "index_url_follows_pattern",
        where("torch_builds", {"build": "cu126"}, build="cu127", index_url="https://download.pytorch.org/whl/cu127"),
    ),
    ("cudnn_of_build_exists", where("torch_builds", {"cudnn": "9.10.2.21"}, cudnn="9.10.2.999")),
    ("pins_agree_with_builds", where("torch_pins", {"requirement": "nvidia-cudnn-cu12"}, version_spec="==9.0.0.1")),
    ("archs_known", broken("gpus", sm=85)),
    ("archs_known", broken("gpu_archs_in_builds", ptx=(55,))),
    ("arch_lists_ascend", broken("gpu_archs_in_builds", sass=(80, 70))),
    ("archs_fit_toolkit", where("gpu_archs_in_builds", {"build": "cu130"}, sass=(70, 75))),
    ("arch_ranges_nest", reversed_rows("cuda_archs")),
    ("arch_ranges_nest", where("cuda_archs", {"sm": 50}, last_toolkit="4.0")),
    ("arch_ranges_nest", where("cuda_archs", {"sm": 75}, last_toolkit="12.0")),
    ("versions_ascend", reversed_rows("cuda_toolkits")),
    ("toolkit_range_agrees_with_archs", where("cuda_toolkits", {"version": "12.8.0"}, sass_max=90)),
    ("toolkit_driver_in_branch", where("cuda_toolkits", {"version": "12.8.0"}, driver_linux="565.57.01")),
    ("toolkit_driver_in_branch", where("cuda_toolkits", {"version": "12.8.0"}, driver_branch="571")),
    ("drivers_monotone", reversed_rows("drivers")),
    ("drivers_monotone", where("drivers", {"branch": "590"}, oldest_sm=35)),
    ("drivers_disjoint", where("drivers", {"branch": "570"}, windows_major_to=577)),
    ("drivers_disjoint", where("drivers", {"branch": "570"}, first_linux="571.1")),
    ("drivers_disjoint", where("drivers", {"branch": "615"}, windows_major_to=600)),
    ("drivers_know_archs", where("drivers", {"branch": "450"}, newest_sm=120)),
    ("cudnn_major_is_first_number", broken("cudnn", major=7)),
    ("companions_agree", where("companions", {"torch": "2.9.1"}, torchvision="0.99.0")),
    ("companions_agree", where("companions", {"torch": "2.9.1"}, torchvision="0.24.0")),
    ("numpy_abi_agrees", broken("numpy_abi", built_against_numpy_major=2)),
    ("libraries_fit_major", where("libraries", {"pip_package": "nvidia-cublas-cu12"}, cuda_major=11)),
    ("some_package_is_named", broken("system_libraries", debian=None, fedora=None, pip_package=None)),
    ("known_dlls_are_windows", broken("known_dlls", dll="nvcuda.dll")),
    ("windows_dlls_well_formed", reversed_rows("windows_dlls")),
    ("windows_dlls_well_formed", broken("windows_dlls", kind="registry")),
    ("windows_dlls_well_formed", broken("windows_dlls", provider="somebody")),
    ("windows_dlls_well_formed", where("windows_dlls", {"dll": "vcruntime140_threads.dll"}, since=None)),
    ("third_party_ranges_disjoint", where("third_party", {"package": "ctranslate2", "first": "4.0.0"}, below="4.9.0")),
    ("third_party_ranges_disjoint", where("third_party", {"package": "ctranslate2", "first": "4.0.0"}, below=None)),
    ("third_party_versions_in_range", where("third_party", {"package": "ctranslate2", "first": "4.0.0"}, versions=("4.1.0",))),
    (
        "third_party_versions_in_range",
        where("third_party", {"package": "torchtext", "first": "0.18.0"}, versions=("0.18.0", "0.17.9")),
    ),
    (
        "third_party_versions_in_range",
        where("third_party", {"package": "vllm", "first": "0.32.0"}, versions=("0.32.0", "0.33.0")),
    ),
    ("third_party_says_something", where("third_party", {"package": "vllm"}, torch_spec="2.3 or so")),
    ("third_party_says_something", where("third_party", {"package": "vllm"}, platforms=("beos",))),
    ("third_party_says_something", where("third_party", {"package": "flash-attn"}, wheels=("2.8",))),
    ("third_party_says_something", where("third_party", {"package": "whisperx"}, needs="banana>=1")),
    ("gpu_ids_agree", where("gpus", {"name": "GeForce RTX 5070 Ti"}, sm=90)),
    ("blocks_hold_ids", where("gpus_pci", {"pci_device_id": 0x2C05}, sm=90)),
    ("blocks_disjoint", broken("pci_blocks", last=0x1390)),
    ("causes_well_formed", broken("causes", slug="CPU build")),
    ("causes_well_formed", broken("causes", tellable_by="stars")),
    ("exceptions_are_known_archs", section("compat_rules", "sass_exceptions", **{"50": [50, 51]})),
    ("exceptions_are_known_archs", section("compat_rules", "families", **{"120": [121]})),
    ("floors_are_known_drivers", section("compat_rules", "driver_floor_linux", **{"13": "700"})),
    ("floors_are_known_drivers", section("compat_rules", "driver_floor_windows", **{"12": "600.1"})),
    ("floors_are_known_drivers", section("compat_rules", "driver_before_11_linux", **{"10.0": "390.1"})),
    ("rocm_builds_are_published", broken("rocm_targets", build="rocm9.9")),
]


@pytest.mark.parametrize(("law", "table"), FAULTS, ids=[f"{law}-{number}" for number, (law, _) in enumerate(FAULTS)])
def test_law_can_fail(law: str, table: load.Table) -> None:
    tables = {**TABLES, table.name: table}
    if law == "builds_and_archs_agree":
        tables["gpu_archs_in_builds"] = TABLES["gpu_archs_in_builds"]._replace(rows=())
    assert list(laws.by_name(law)(table, tables))


def test_every_law_is_shown_to_fail() -> None:
    assert {law for _name, law in CHECKS} == {law for law, _table in FAULTS}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("branch,max_cuda\n440,10.2,more\n", "longer or shorter"),
        ("branch,max_cuda\n440\n", "longer or shorter"),
        ("branch,colour\n440,red\n", "not those of the schema"),
    ],
)
def test_csv_of_another_shape_is_refused(text: str, says: str) -> None:
    with pytest.raises(load.KnowledgeError, match=says):
        load.parse_csv("drivers", ("branch", "max_cuda"), text)


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("int!", ""),
        ("int", "twelve"),
        ("bool", "maybe"),
        ("date", "2026-13-01"),
        ("version", "newest"),
        ("ints", "80 x86"),
        ("hex", "zz"),
        ("colour", "red"),
    ],
)
def test_cell_of_another_type_is_refused(kind: str, cell: str) -> None:
    with pytest.raises(load.KnowledgeError):
        load.typed("drivers", {"cell": kind}, [{"cell": cell}])


def test_every_row_has_sources_that_can_be_shown() -> None:
    for table in TABLES.values():
        for row in table.rows if "source" in table.columns else ():
            assert table.sources_of(row)
            assert all(source.title for source in table.sources_of(row))


def test_unknown_table() -> None:
    with pytest.raises(KeyError):
        load.table("colours")


def test_tables_name_no_registry_host_and_no_path_of_ours() -> None:
    # Spelled in pieces, so that this file does not contain what it forbids.
    hosts = r"pypi\.(?=org)|files\.python(?=hosted)|registry\.(?=npmjs)|deb\.(?=debian)"
    forbidden = re.compile(rf"{hosts}|/wor(?=k/)")
    root = Path(torchsmith.knowledge.__file__).parent
    for path in sorted([*root.rglob("*.py"), *root.rglob("*.toml"), *root.rglob("*.csv")]):
        assert not forbidden.search(path.read_text("utf-8")), path.name
