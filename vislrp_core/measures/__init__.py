"""Measures of a map (numerics.md, section 10): do maps tell classes apart, follow the network, find the object, stay put."""

from vislrp_core.measures.boxes import Box, box_mass, pointing, read_boxes
from vislrp_core.measures.catalogue import MEASURES, Measure
from vislrp_core.measures.subject import Settings, Subject
from vislrp_core.measures.task import Measured, MeasureTask

__all__ = [
    "MEASURES",
    "Box",
    "Measure",
    "MeasureTask",
    "Measured",
    "Settings",
    "Subject",
    "box_mass",
    "pointing",
    "read_boxes",
]
