"""What the tables behind a decision must obey: approaches and criteria."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torchsmith.knowledge.load import Table

Tables = Mapping[str, Table]

_COMMIT = 40


def judgements_are_shares(table: Table, _tables: Tables) -> Iterator[str]:
    """What is judged is judged from 0 to 100."""
    for row in table.rows:
        for column in ("reversible", "reliability", "flexibility", "upkeep", "reproducible", "contained"):
            if not 0 <= int(str(row[column])) <= 100:
                yield f"{row['approach']}: {column} is {row[column]}"


def sizes_are_of_builds(table: Table, tables: Tables) -> Iterator[str]:
    """A size belongs to a build, what is unpacked is larger than what was downloaded, and evidence is a known word."""
    columns = ("torch", "build", "platform")
    builds = {tuple(row[column] for column in columns) for row in tables["torch_builds"].rows}
    for row in table.rows:
        name = " ".join(str(row[column]) for column in columns)
        if tuple(row[column] for column in columns) not in builds:
            yield f"{name}: no such build"
        if row["unpacked_bytes"] is not None and int(str(row["unpacked_bytes"])) < int(str(row["download_bytes"])):
            yield f"{name}: unpacked it is smaller than its wheels"
        if row["evidence"] not in {"measured", "recalled"}:
            yield f"{name}: evidence is measured or recalled"


def rocm_builds_are_published(table: Table, tables: Tables) -> Iterator[str]:
    """Every ROCm build that was published has a row, and no other."""
    built = {str(row["build"]) for row in tables["torch_builds"].rows if row["kind"] == "rocm"}
    for build in sorted(built ^ {str(row["build"]) for row in table.rows}):
        yield f"{build} stands in one table only"


def revisions_hold_published_builds(table: Table, tables: Tables) -> Iterator[str]:
    """A revision is a whole commit, and what it holds was published for that platform and those Pythons."""
    published = {(row["torch"], row["build"], row["platform"]): row["python_tags"] for row in tables["torch_builds"].rows}
    for row in table.rows:
        revision, tags = str(row["revision"]), published.get((row["torch"], row["build"], row["platform"]))
        if len(revision) != _COMMIT or set(revision) - set("0123456789abcdef"):
            yield f"{revision} is no commit"
        if tags is None or set(row["python_tags"]) - set(tags):  # type: ignore[arg-type]
            yield f"{revision}: {row['torch']}+{row['build']} was not published like that"
