"""``--machine PROFILE``: another machine as a file of assumptions, its own or one that is shipped."""

from __future__ import annotations

from importlib.resources import files

from torchsmith.host.files import read_input
from torchsmith.model.errors import UnreadableInputError, UsageError
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

LIST = "list"
LISTS = frozenset({"gpu", "package", "variable"})
_NAME = pattern(r"(?:profiles/)?([a-z0-9-]{1,80})(\.toml)?")
_LIMIT = 1 << 16


def shipped() -> tuple[str, ...]:
    """The names of the profiles that come with torchsmith."""
    names = (entry.name for entry in files("torchsmith").joinpath("profiles").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def listing() -> str:
    """The shipped profiles, a line each: the name and what machine it is."""
    names = shipped()
    width = max(len(name) for name in names)
    return "".join(f"{name:{width}}  {_text(name).partition(chr(10))[0].removeprefix('# ')}\n" for name in names)


def assumptions(profile: str, given: Sequence[str]) -> tuple[str, ...]:
    """What the profile assumes, as ``--assume`` takes it, without the keys that are ``given`` beside it.

    Args:
        profile: a file, or the name of a shipped profile: ``rtx5070ti-win11``, ``profiles/rtx5070ti-win11.toml``.
        given: the assumptions of the command line, which win over the profile's.

    Raises:
        UsageError: no such profile, or a key or value in it that cannot be.
        UnreadableInputError: the file cannot be read, or is no TOML.

    """
    told = {item.partition("=")[0].strip().lower() for item in given}
    if "libc" in told:
        told.add("glibc")
    machine = _machine(_content(profile), profile)
    return tuple(f"{key}={value}" for key, values in machine.items() if key not in told for value in values)


def _content(profile: str) -> str:
    named = _NAME.fullmatch(profile)
    ours = named is not None and named[1] in shipped()
    if named and ours and profile == named[1]:
        return _text(named[1])
    if named and not ours and profile == named[1]:
        raise UsageError(_unknown(profile))
    try:
        data = read_input(profile, _LIMIT, plain=True)
    except UnreadableInputError:
        if named and ours:
            return _text(named[1])
        raise
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableInputError(f"`{profile}` is no profile: it is not text in UTF-8") from None


def _text(name: str) -> str:
    return files("torchsmith").joinpath("profiles", f"{name}.toml").read_text("utf-8")


def _unknown(profile: str) -> str:
    from difflib import get_close_matches

    names = shipped()
    near = get_close_matches(profile, names, n=3)
    return (
        f"no machine is known as `{profile}`"
        + (f"; the nearest are {', '.join(near)}" if near else "")
        + f"; there are {', '.join(names)}; a profile of your own is named by its file, with .toml at its end"
    )


def _machine(text: str, profile: str) -> dict[str, list[str]]:
    """Each key of the profile with its values as text."""
    import tomllib

    from torchsmith.app.assume import KEYS

    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UnreadableInputError(f"`{profile}` is no TOML: {error or 'nested too deep'}") from None
    except ValueError:  # a number of more digits than Python converts
        raise UnreadableInputError(f"`{profile}` is no TOML: it holds a number that is too long") from None
    table = document.get("machine")
    strange = [key for key in document if key != "machine"]
    if not isinstance(table, dict) or strange:
        beside = f", and `{strange[0]}` beside it" if strange else ""
        raise UsageError(f"`{profile}` is no profile: it needs one table, [machine]{beside}")
    unknown = [key for key in table if key not in KEYS or key == "project"]
    if unknown:
        raise UsageError(
            f"`{profile}`: [machine] knows no `{unknown[0]}`; its keys are {', '.join(k for k in KEYS if k != 'project')}"
        )
    return {key: _values(key, value, profile) for key, value in table.items()}


def _values(key: str, value: object, profile: str) -> list[str]:
    """The values of a key: one, or for a key that may stand more than once a list of them."""
    listed = value if isinstance(value, list) and key in LISTS else [value]
    if not listed or not all(isinstance(one, str) or type(one) in {int, float} for one in listed):
        many = ' or a list, as in ["RTX 5090", "RTX 4090"]' if key in LISTS else ""
        raise UsageError(f"`{profile}`: `{key}` is a text in quotes{many}")
    if any(type(one) is float for one in listed) and key in {"python", "glibc", "toolkit", "driver", "jetpack"}:
        raise UsageError(f'`{profile}`: a version stands in quotes, {key} = "3.10": as a number it would be 3.1')
    return [str(one) for one in listed]
