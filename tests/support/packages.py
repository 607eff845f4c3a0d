"""The built-in studies, simulated and run once for all tests of a session."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
from fhir2cdisc.adam.build import Adam, build_adam
from fhir2cdisc.adam.results.sheet import Results
from fhir2cdisc.adam.results.summary import study_results
from fhir2cdisc.converters.run.pipeline import SdtmRun, build_sdtm
from fhir2cdisc.fhir.simulation.simulate import Order, simulate
from fhir2cdisc.mappings.study import Study, load_study
from support.command import fhir2cdisc

PATIENTS, SEED = 40, 101
# A finished package holds the first patients only: what it costs to write and check one hardly depends on them.
PACKED = 8
Frames = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Package:
    """A built-in study with simulated patients: their FHIR, the truth, what is made of them, and the finished package.

    Each step is made when it is first asked for. Everything is shared between tests: frames are handed out as copies,
    and nothing may be written into the folders.
    """

    study: Study
    home: Path

    @cached_property
    def simulated(self) -> Path:
        """The folder with `fhir` and `truth`."""
        simulate(Order(self.study, SEED, PATIENTS), self.home / "simulated")
        return self.home / "simulated"

    @property
    def source(self) -> Path:
        return self.simulated / "fhir"

    @property
    def truth(self) -> Path:
        return self.simulated / "truth"

    @cached_property
    def _run(self) -> SdtmRun:
        return build_sdtm([self.source], self.study)

    @cached_property
    def made(self) -> Adam:
        """ADaM with its metadata, the plan and the specifications."""
        return build_adam(self.sdtm, self.study)

    @property
    def sdtm(self) -> Frames:
        return copies(self._run.sdtm.frames)

    @property
    def adam(self) -> Frames:
        return copies(self.made.frames)

    @cached_property
    def results(self) -> Results:
        return study_results(self.made.plan, self.made.specs, self.adam)

    @cached_property
    def few(self) -> Path:
        """The FHIR of the patients of the finished package."""
        simulate(Order(self.study, SEED, PACKED), self.home / "few")
        return self.home / "few" / "fhir"

    @cached_property
    def said(self) -> str:
        """What `fhir2cdisc run` says while it makes the package, in three formats and with the folders of an agency."""
        more = ("--layout", "ectd", "--format", "parquet", "--format", "json")
        return fhir2cdisc("run", self.few, "--study", self.study.id, "--out", self.home / "package", *more)

    @property
    def folder(self) -> Path:
        """The finished package."""
        assert self.said
        return self.home / "package"


def copies(frames: Frames) -> Frames:
    return {name: frame.copy() for name, frame in frames.items()}


def package(name: str, home: Path) -> Package:
    """A built-in study by its name, in a folder of its own."""
    return Package(load_study(name), home)
