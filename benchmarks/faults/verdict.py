"""Cases, and the words for what became of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

PACKAGES = ("cblot", "drizzlepac", "drizzle")
KINDS = (
    "right", "clear error", "unclear error", "silently wrong", "garbage", "lost data", "hang",
    "crash",
)  # fmt: skip
NOTHING = "\N{EN DASH}"  # a package that has no such thing
BROKEN = "broken case"  # an error of the case itself


class Wrong(Exception):
    """What came out is not what was asked for."""


class Lost(Exception):
    """A file that is not the output was changed, or a chip is nowhere."""


class Crashed(Exception):
    """A process ended by a signal, or without a word."""


class Hangs(Exception):
    """It took longer than it may."""


class Nothing(Exception):
    """The package has no such thing."""


class Refused(Exception):
    """The package's own error."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(f"{type(error).__name__}: {' '.join(str(error).split())}")
        self.error = error
        self.words: tuple[str, ...] = ()  # that it must have: a file's name, a keyword

    @property
    def is_clear(self) -> bool:
        """Whether it says what was wrong, and is not an accident of the code."""
        text = " ".join(str(self.error).split())
        accident = isinstance(
            self.error, (IndexError, KeyError, AttributeError, ArithmeticError, AssertionError)
        )
        accident = accident or any(part in text for part in ("ufunc", "object is not", "NoneType'"))
        named = all(word.lower() in text.lower() for word in self.words)
        return named and not accident and len(text) > 12 and not text.startswith("Invalid ")


@dataclass(frozen=True)
class Case:
    """An odd or bad input.

    Attributes
    ----------
    name : str
        What the input is, in a reader's words.
    run : callable
        Does it, with a package of `peers`; raises what the verdict is, or returns if it was right.
    valid : bool
        Whether the input is one that must be taken: an error, however clear, is not right then.
    must_fail : bool
        Whether there is nothing that would be right but an error.
    seconds : float
        That it may take, on a build with sanitizers too.
    """

    name: str
    run: Callable[[Any], None]
    valid: bool = False
    must_fail: bool = False
    seconds: float = 120.0


class Group:
    """Cases of one kind, in the order of the table."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.cases: list[Case] = []

    def case(
        self, name: str, *, valid: bool = False, must_fail: bool = False, seconds: float = 120.0
    ) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
        """Decorate a function that is a case."""

        def add(run: Callable[[Any], None]) -> Callable[[Any], None]:
            self.cases.append(Case(name, run, valid, must_fail, seconds))
            return run

        return add


def refusals(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make the errors of a package's function known as its own."""

    @functools.wraps(function)
    def call(*arguments: Any, **keywords: Any) -> Any:
        try:
            return function(*arguments, **keywords)
        except (Wrong, Lost, Crashed, Hangs, Nothing, Refused):
            raise
        except Exception as error:
            raise Refused(error) from error

    return call


def verdict(case: Case, package: Any) -> tuple[str, str]:
    """What a package makes of a case, in a word and in detail."""
    try:
        case.run(package)
    except Refused as refused:
        return ("clear error" if refused.is_clear else "unclear error"), str(refused)
    except Nothing:
        return NOTHING, ""
    except Lost as lost:
        return "lost data", str(lost)
    except Hangs as hangs:
        return "hang", str(hangs)
    except Crashed as crashed:
        return "crash", str(crashed)
    except Wrong as wrong:
        return ("garbage" if wrong.args[1:] == ("garbage",) else "silently wrong"), wrong.args[0]
    except Exception as error:
        return BROKEN, f"{type(error).__name__}: {error}"
    return ("silently wrong", "no error") if case.must_fail else ("right", "")


def compare(found: Any, wanted: Any, tolerance: float, where: Any = True) -> None:
    """Find pixels that are not what they must be."""
    wanted = np.asarray(wanted, dtype=float)
    found = np.asarray(found, dtype=float) if np.ndim(found) else np.zeros((1, 1))
    if found.shape != wanted.shape:
        raise Wrong(f"shape {found.shape}, not {wanted.shape}")
    far = ~np.isclose(found, wanted, rtol=0, atol=tolerance, equal_nan=True) & where
    if not far.any():
        return
    worst = np.nanmax(np.where(np.isfinite(found), np.abs(found), 0.0))
    garbage = worst > 1e6 or (~np.isfinite(found) & np.isfinite(wanted)).any()
    what = f"{far.sum()} of {far.size} pixels wrong, {found[far][0]:.6g} for {wanted[far][0]:.6g}"
    raise Wrong(what, *(["garbage"] if garbage else []))
