"""Every exception of the product, as a tree; each message is one clear sentence.

Fhir2CdiscError (a ValueError)
  SourceError           a source of FHIR that cannot be read at all
  KeyFileError          a key file that holds no secret
  XmlError              FHIR XML that is not read
  ExtractError          a file of an extract that cannot be read
  CellDateError         a cell of an extract that is no date by its formats
  DateError             a text that is no date, or names a day that does not exist
  PathError             a FHIRPath expression outside the subset
  MappingError          a mapping file that cannot be used
  StudyError            a study file that cannot be used
  EpochError            SOURCE_DATE_EPOCH that is no time
  HabitError            a habit of the simulator that does not exist or does not go with another one
  SubjectError          subjects that cannot be told apart
  DictionaryError       a dictionary file that cannot be used
  WorkerError           a process of a run that ended without a result
  NothingMadeError      no subject of the study is in the sources
  DraftError            a draft of a mapping that cannot be written
  MetadataError         a column of an analysis dataset that nobody describes
  CannotEstimateError   a result that the data cannot give
  XptError              a frame that a transport file cannot hold, or a file that is none
  DatasetJsonError      a file that is no Dataset-JSON, or a frame that cannot be one
  PackageError          a package that cannot be written, or datasets that cannot be taken
  CoreError             CDISC CORE that could not be run
  TraceError            a package, dataset or key that is not there

A command turns any of them, and what the operating system refuses, into that sentence and exit code 1.
"""

from __future__ import annotations

from fhir2cdisc.adam.frames.variables import MetadataError
from fhir2cdisc.adam.results.sheet import CannotEstimateError
from fhir2cdisc.converters.check.core import CoreError
from fhir2cdisc.converters.extracts.grid import ExtractError
from fhir2cdisc.converters.formats.dataset_json import DatasetJsonError
from fhir2cdisc.converters.package import PackageError
from fhir2cdisc.converters.run.coding import DictionaryError
from fhir2cdisc.converters.run.executor import WorkerError
from fhir2cdisc.converters.run.key import KeyFileError
from fhir2cdisc.converters.run.map_draft import DraftError
from fhir2cdisc.converters.run.order import NothingMadeError
from fhir2cdisc.converters.trace import TraceError
from fhir2cdisc.converters.xpt.layout import XptError
from fhir2cdisc.fhir.dates import DateError
from fhir2cdisc.fhir.path.parser import PathError
from fhir2cdisc.fhir.simulation.habits.names import HabitError
from fhir2cdisc.fhir.sources import SourceError
from fhir2cdisc.fhir.xml import XmlError
from fhir2cdisc.mappings.errors import Fhir2CdiscError
from fhir2cdisc.mappings.model import MappingError
from fhir2cdisc.mappings.study_base import StudyError
from fhir2cdisc.mappings.time_zones import EpochError
from fhir2cdisc.sdtm.cells.dates import CellDateError
from fhir2cdisc.sdtm.subject.subjects import SubjectError

__all__ = [
    "CannotEstimateError",
    "CellDateError",
    "CoreError",
    "DatasetJsonError",
    "DateError",
    "DictionaryError",
    "DraftError",
    "EpochError",
    "ExtractError",
    "Fhir2CdiscError",
    "HabitError",
    "KeyFileError",
    "MappingError",
    "MetadataError",
    "NothingMadeError",
    "PackageError",
    "PathError",
    "SourceError",
    "StudyError",
    "SubjectError",
    "TraceError",
    "WorkerError",
    "XmlError",
    "XptError",
]
