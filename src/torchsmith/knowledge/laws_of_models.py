"""What the tables on the memory of models must obey."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torchsmith.knowledge.load import Table

Tables = Mapping[str, Table]

KINDS = {"measured", "stated", "claimed", "recommended"}


def model_names_are_one(table: Table, _tables: Tables) -> Iterator[str]:
    """No name or alias stands for two models."""
    seen: dict[str, str] = {}
    for row in table.rows:
        for name in (str(row["model"]), *row["aliases"]):  # type: ignore[misc]
            if seen.setdefault(name, str(row["model"])) != row["model"]:
                yield f"{name} is {seen[name]} and {row['model']}"


def shapes_are_whole(table: Table, _tables: Tables) -> Iterator[str]:
    """A language model has all of its shape, and the sizes ascend within a family."""
    for row in table.rows:
        shape = [row[name] for name in ("layers", "kv_heads", "head_dim", "hidden")]
        if row["family"] == "llm" and None in shape:
            yield f"{row['model']} lacks a part of its shape"
    for family in ("llm",):
        sizes = [int(str(row["params_m"])) for row in table.rows if row["family"] == family]
        if sizes != sorted(sizes):
            yield f"the sizes of {family} do not ascend"


def implementations_name_types(table: Table, tables: Tables) -> Iterator[str]:
    """An implementation runs number types that are listed, and its ranges are ranges."""
    types = {row["number_type"] for row in tables["number_types"].rows}
    for row in table.rows:
        for name in row["number_types"]:  # type: ignore[union-attr]
            if name not in types:
                yield f"{row['implementation']}: {name} is no number type"
        if int(str(row["fixed_low_mib"])) > int(str(row["fixed_high_mib"])):
            yield f"{row['implementation']}: its fixed part is no range"


def memory_rows_name_models(table: Table, tables: Tables) -> Iterator[str]:
    """A figure is that of a listed model, implementation and number type, of a known kind, and above the bare weights."""
    models = {row["model"]: int(str(row["params_m"])) for row in tables["models"].rows}
    types = {row["number_type"]: int(str(row["millibytes"])) for row in tables["number_types"].rows}
    programs = {row["implementation"] for row in tables["model_implementations"].rows}
    for row in table.rows:
        model, kind = row["model"], row["number_type"]
        if model not in models or kind not in types or row["implementation"] not in programs or row["kind"] not in KINDS:
            yield f"{model} {row['implementation']} {kind} {row['kind']}: not listed"
        elif row["kind"] == "measured" and int(str(row["mib"])) << 20 < models[model] * types[kind] * 1000:
            yield f"{model} {row['implementation']} {kind}: measured below its own weights"


def terms_are_ranges(table: Table, _tables: Tables) -> Iterator[str]:
    """The low end is not above the high one."""
    for row in table.rows:
        if int(str(row["low"])) > int(str(row["high"])):
            yield f"{row['term']}: {row['low']} to {row['high']}"
