"""All cases, in the order of the table."""

from benchmarks.faults import arrays, files, interfaces, processes, sky

GROUPS = (arrays.GROUP, sky.GROUP, interfaces.GROUP, files.GROUP, processes.GROUP)
