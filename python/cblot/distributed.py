"""Blotting on dask: many exposures on a cluster, and lazy arrays. Needs the extra ``dask``."""

from cblot.tasks.cluster import blot_exposures
from cblot.tasks.lazy import blot_dask

__all__ = ["blot_dask", "blot_exposures"]
