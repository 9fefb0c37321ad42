"""The methods: one class in one file each; widgets, command line, documentation and tests read them here."""

from __future__ import annotations

import importlib
import os
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from XRayLib.case import Case, Options, Result
from XRayLib.case_checks import check_films_differ, check_lies_in_ct, check_size
from XRayLib.errors import InputError

METHOD_PACKAGES = ("X2CTReconLib", "XRayRegistrationLib")
"""Every module of these packages is imported when methods are listed; modules must stay cheap to import."""

METHOD_PACKAGES_VARIABLE = "XRAY3D_METHOD_PACKAGES"
"""Environment variable that names further packages of methods, separated by commas."""

REGISTERS = ("pose", "deformation")
"""What a method of registration returns; a deformation comes with a pose."""

Progress = Callable[[float, str], None]
"""``progress(fraction, stage)``: fraction in 0..1, stage in words. Raises CancelledError when the user cancelled:
call it often."""


def part_of(progress: Progress, begin: float, end: float) -> Progress:
    """For a step that takes this part of the whole."""
    return lambda fraction, stage: progress(begin + (end - begin) * fraction, stage)


@dataclass(frozen=True)
class Needs:
    """What a method must be given."""

    min_views: int = 1
    max_views: int = 1
    ct: bool = False
    mesh: bool = False
    bundle_task: str = ""
    """``task`` of the model bundles that fit, empty when the method needs none."""
    accepts_ct: bool = False
    """A CT of the patient is used when there is one."""

    @property
    def takes_ct(self) -> bool:
        """Whether a CT makes a difference."""
        return self.ct or self.accepts_ct


class Method(ABC):
    """One way from a Case to a Result. Subclasses set the class attributes and define ``run``."""

    id: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    """Two or three sentences for the user: what it does, how good, what it cannot."""
    citation: ClassVar[str] = ""
    returns: ClassVar[str]
    """"volume", "mesh", "pose" or "deformation"."""
    needs: ClassVar[Needs]
    presets: ClassVar[tuple[str, ...]] = ()
    """Names of settings that belong together, for ``Options.extra["preset"]``; the first is the usual one."""

    def check(self, case: Case) -> None:
        """Raise InputError, in one sentence that says what to do, when the case does not fit."""
        views = len(case.radiographs)
        if not self.needs.min_views <= views <= self.needs.max_views:
            low, high = self.needs.min_views, self.needs.max_views
            wanted = str(low) if low == high else f"{low} to {high}"
            raise InputError(f"{self.title} needs {wanted} X-ray view(s), {views} given.")
        if self.needs.ct and case.ct is None:
            raise InputError(f"{self.title} needs a CT of the patient: choose one.")
        if self.needs.mesh and case.mesh is None:
            raise InputError(f"{self.title} needs an organ mesh: choose one.")
        if case.ct is not None:
            check_size(case.ct)
        check_films_differ(case)
        check_lies_in_ct(case)

    @abstractmethod
    def run(self, case: Case, options: Options, progress: Progress) -> Result:
        """Compute. ``case`` has passed ``check``."""


def method_packages() -> tuple[str, ...]:
    """METHOD_PACKAGES and those that the environment names."""
    named = os.environ.get(METHOD_PACKAGES_VARIABLE, "").split(",")
    return (*METHOD_PACKAGES, *(name.strip() for name in named if name.strip()))


@cache
def methods() -> dict[str, Method]:
    """Every available method by id, in alphabetical order."""
    for package_name in method_packages():
        try:
            package = importlib.import_module(package_name)
        except ModuleNotFoundError as error:
            if error.name != package_name:
                raise
            continue
        for module in pkgutil.iter_modules(package.__path__, package_name + "."):
            if not module.name.rpartition(".")[2].startswith(("widget", "panel")):
                importlib.import_module(module.name)
    found = {cls.id: cls() for cls in _subclasses(Method) if "id" in vars(cls)}
    return dict(sorted(found.items()))


def method(method_id: str) -> Method:
    """The method of that id; InputError lists the known ones."""
    try:
        return methods()[method_id]
    except KeyError:
        raise InputError(f"There is no method '{method_id}'. Known: {', '.join(methods())}.") from None


def _subclasses(cls: type) -> list[type]:
    return [c for direct in cls.__subclasses__() for c in (direct, *_subclasses(direct))]
