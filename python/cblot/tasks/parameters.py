"""The file task's parameters: their table, and values out of any kind of configuration.

The table is ``pars/cblot.cfgspc``, in the form that teal reads too.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

# The parser of the files that teal reads and writes; astropy brings it.
from astropy.extern.configobj.configobj import ConfigObj, ConfigObjError
from astropy.extern.configobj.validate import Validator

from cblot.core.arrays import as_step, finite
from cblot.core.machine import interpolants

Settings: TypeAlias = dict[str, Any]

PARS = Path(__file__).parents[1] / "pars"
TASK_KEY = "_task_name_"
# drizzlepac's task reads and writes files of the same form.
TASK_NAMES = ("cblot", "ablot")
ALIASES = {"interp": "interpol"}
USER_GRID = ("outscale", "orient", "raref", "decref", "xrefpix", "yrefpix", "outnx", "outny")
_KEYWORD = re.compile(r"[A-Z0-9_-]{1,8}")
_UNSET = ("", "indef", "none")
_YES = ("yes", "y", "true", "t", "on", "1")
_NO = ("no", "n", "false", "f", "off", "0")


@dataclass(frozen=True)
class Parameter:
    """One row of the table; `kind` is the name of teal's check without its ``_kw``."""

    name: str
    section: str
    kind: str
    default: Any
    comment: str
    choices: tuple[str, ...]

    @property
    def optional(self) -> bool:
        """Whether None is a value of its own."""
        return self.kind.endswith("_or_none")


def _spec_row(kind: str) -> Any:
    def row(value: Any, *choices: str, comment: str = "", **_: str) -> Any:
        return kind, value, comment, choices

    return row


_VALIDATOR = Validator(
    {
        f"{kind}_kw": _spec_row(kind)
        for kind in ("string", "boolean", "option", "float", "float_or_none", "integer_or_none")
    }
)


def _spec_items(section: Any, title: str) -> Iterator[tuple[str, str, str]]:
    for name in section.scalars:
        if not name.startswith("_"):
            yield title, name, section[name]
    for inner in section.sections:
        yield from _spec_items(section[inner], inner)


@cache
def table() -> Mapping[str, Parameter]:
    """Parameters by name, in the order of the configuration file.

    Its list of interpolants is for teal, whose menu may be behind: the core knows which there are.
    """
    spec = ConfigObj(
        str(PARS / "cblot.cfgspc"), list_values=False, interpolation=False, _inspec=True
    )
    rows = {}
    for section, name, check in _spec_items(spec, ""):
        kind, _, comment, choices = _VALIDATOR.check(check, "value")
        if name == "interpol":
            choices = interpolants()
        default = _VALIDATOR.get_default_value(check)
        bare = Parameter(name, section, kind, "", comment, choices)
        value = None if default is None else _convert(bare, default[1])
        rows[name] = Parameter(name, section, kind, value, comment, choices)
    return rows


def nearest(name: str, valid: Any) -> str:
    """End of a sentence that names the valid values nearest to one that is not."""
    options = {option.lower(): option for option in valid}
    close = difflib.get_close_matches(name.lower(), options, n=3, cutoff=0.5)
    if close:
        return f"; did you mean {' or '.join(options[key] for key in close)}?"
    return f"; valid are {', '.join(options.values())}"


def _number(parameter: Parameter, value: Any) -> float:
    number = finite(value)
    if number is None:
        raise ValueError(f"{parameter.name} must be a finite number, got {value!r}")
    return number


def _whole(parameter: Parameter, value: Any) -> int:
    number = _number(parameter, value)
    if not number.is_integer():
        raise ValueError(f"{parameter.name} must be a whole number, got {value!r}")
    return int(number)


def as_boolean(value: Any, name: str) -> bool:
    """Whether a value, as Python or teal writes it, is a yes.

    Raises
    ------
    ValueError
        If it is neither yes nor no.
    """
    text = str(value).strip().lower()
    if text in _YES:
        return True
    if text in _NO:
        return False
    raise ValueError(f"{name} must be yes or no, True or False, got {value!r}")


def _option(parameter: Parameter, value: Any) -> str:
    if not isinstance(value, str) or value.strip().lower() not in parameter.choices:
        end = nearest(str(value), parameter.choices)
        raise ValueError(f"{parameter.name} has no value {value!r}{end}")
    return value.strip().lower()


def _string(parameter: Parameter, value: Any) -> str:
    if isinstance(value, (str, Path)):
        return str(value).strip()
    if parameter.name == "expout" and not isinstance(value, bool):
        return str(_number(parameter, value))
    raise ValueError(f"{parameter.name} must be a text, got {value!r}")


_CONVERT = {
    "boolean": lambda parameter, value: as_boolean(value, parameter.name),
    "option": _option,
    "float": _number,
    "float_or_none": _number,
    "integer_or_none": _whole,
    "string": _string,
}


def _convert(parameter: Parameter, value: Any) -> Any:
    """Value in the parameter's type; what teal writes for "not set" gives the default."""
    if value is None or (isinstance(value, str) and value.strip().lower() in _UNSET):
        return None if parameter.optional else parameter.default
    return _CONVERT[parameter.kind](parameter, value)


def _check_ranges(settings: Settings) -> None:
    for name in ("sinscl", "outscale", "outnx", "outny", "threads"):
        if settings[name] is not None and settings[name] <= 0:
            raise ValueError(f"{name} must be greater than 0, got {settings[name]}")
    as_step(settings["stepsize"])
    for name in ("outnx", "outny"):
        if settings[name] is not None and settings[name] >= 2**31:
            raise ValueError(f"{name} must be less than 2**31, got {settings[name]}")
    if not _KEYWORD.fullmatch(settings["expkey"].upper()):
        raise ValueError(f"expkey must be a FITS keyword, got {settings['expkey']!r}")
    if settings["decref"] is not None and abs(settings["decref"]) > 90.0:
        raise ValueError(f"decref must be within -90 and 90 degrees, got {settings['decref']}")
    if settings["expout"].lower() == "input":
        settings["expout"] = "input"
    else:
        seconds = finite(settings["expout"])
        if seconds is None or seconds <= 0.0:
            raise ValueError(
                "expout must be 'input' or a number of seconds greater than 0, got "
                f"{settings['expout']!r}"
            )
        settings["expout"] = seconds


def _read(path: str) -> Mapping[str, Any]:
    name = os.path.expandvars(os.path.expanduser(path))
    if not os.path.isfile(name):
        raise FileNotFoundError(f"there is no configuration file {name}")
    try:
        return ConfigObj(name, interpolation=False, encoding="utf-8", raise_errors=True)  # type: ignore[no-any-return]
    except (ConfigObjError, UnicodeDecodeError) as error:
        raise ValueError(f"{name} is not a configuration file: {error}") from None


def _flat(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Parameters of a configuration with or without sections, with the table's names."""
    sections = {row.section: None for row in table().values() if row.section}
    for key, value in config.items():
        if key == TASK_KEY:
            if value not in TASK_NAMES:
                raise ValueError(
                    f"configObj must be of task {' or '.join(TASK_NAMES)}, got task {value!r}"
                )
        elif str(key).startswith("_"):
            continue
        elif isinstance(value, Mapping):
            if key not in sections:
                raise ValueError(f"there is no section {key!r}{nearest(str(key), sections)}")
            yield from _flat(value)
        else:
            yield known(key), value


def known(key: Any) -> str:
    """Name in the table of what a call or a configuration names.

    Raises
    ------
    ValueError
        If there is no such parameter.
    """
    # AstroDrizzle's names of them begin so, and so do those in drizzlepac's documentation.
    bare = str(key).removeprefix("blot_")
    name = ALIASES.get(bare, bare)
    if name not in table():
        raise ValueError(f"there is no parameter {key!r}{nearest(str(key), [*table(), *ALIASES])}")
    return str(name)


def _unique(pairs: Iterator[tuple[str, Any]], origin: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found and found[name] != value:
            raise ValueError(f"{origin} gives {name} twice, as {found[name]!r} and as {value!r}")
        found[name] = value
    return found


def settings_of(config: Any, overrides: Mapping[str, Any]) -> Settings:
    """Values of all parameters.

    Parameters
    ----------
    config : None, str, Path or mapping
        None or 'defaults' for the defaults; the path of a .cfg file; an object of teal's or a
        dict, with or without sections.
    overrides : mapping
        Values that win over those of `config`.

    Returns
    -------
    dict
        A new one, by name, in the table's order: bool, str, float, int or None; ``expout`` is
        'input' or a float.

    Raises
    ------
    TypeError
        If `config` is none of these.
    ValueError
        For a name that is not in the table, or a value that its parameter does not take.
    FileNotFoundError
        If there is no such file.
    """
    if isinstance(config, Path):
        config = str(config)
    if config is None or (isinstance(config, str) and config.strip().lower() in ("", "defaults")):
        config = {}
    elif isinstance(config, str):
        config = _read(config)
    elif not isinstance(config, Mapping):
        raise TypeError(
            "configObj must be None, 'defaults', the path of a .cfg file, an object of teal's or "
            f"a dict, got {type(config).__name__}"
        )
    given = _unique(_flat(config), "configObj")
    given.update(_unique(((known(key), value) for key, value in overrides.items()), "the call"))
    settings = {
        name: _convert(row, given[name]) if name in given else row.default
        for name, row in table().items()
    }
    _check_ranges(settings)
    return settings


def config_text(settings: Settings) -> str:
    """Text of a .cfg file with these values and a comment on each."""
    lines, section = [f"{TASK_KEY} = cblot"], ""
    for row in table().values():
        if row.section != section:
            section = row.section
            lines += ["", f"[{section}]"]
        lines.append(f"{row.name} = {_as_text(settings[row.name])} # {row.comment}")
    return "\n".join(lines) + "\n"


def _as_text(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def in_effect(settings: Settings) -> tuple[Settings, list[str]]:
    """Settings as they count together, and what the user should know of those that do not.

    A user's grid is one without distortion.
    """
    if settings["user_wcs"]:
        return {**settings, "coeffs": False}, []
    values = [name for name in USER_GRID if settings[name] is not None]
    if not values:
        return settings, []
    them = "it" if len(values) == 1 else "them"
    return settings, [
        f"{', '.join(values)} not used, as user_wcs is no; pass user_wcs=True (--user-wcs) to use "
        + them
    ]
