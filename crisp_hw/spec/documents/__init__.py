"""The columns of every table that is not of an evaluation, by what it is about.

Those of an evaluation are in `spec.vocabulary`. Where a word is in both, it is the same column.
"""

from crisp_hw.spec.documents import hardware, mappings, reads, studies, upkeep, verdicts, workloads

DOCUMENTS = (
    *(
        reads.OUTERMOST,
        workloads.MASKS,
        mappings.MAPPING,
        mappings.MAPPING_LEVELS,
        mappings.SEARCH,
        mappings.DROPPED,
        mappings.LEFT_OUT,
    ),
    *(
        mappings.FRONT,
        mappings.HISTORY,
        workloads.WORKLOADS,
        workloads.WORKLOAD,
        hardware.ACCELERATORS,
        hardware.ACCELERATOR_LEVELS,
    ),
    *(hardware.ACCELERATOR_NUMBERS, hardware.ACCELERATOR_ENERGIES, hardware.COMPONENTS, hardware.COMPONENT_ACTIONS),
    *(hardware.COMPONENT_SOURCES, verdicts.COMPARED, verdicts.COMPARED_LAYERS, verdicts.TIMED, verdicts.VALIDATION),
    *(verdicts.VERIFICATION, verdicts.VERIFICATION_DIFFERENCES, verdicts.REPRODUCTION, verdicts.REPRODUCTION_BOUNDS),
    *(verdicts.CHECK, verdicts.CHECK_COUNTS),
    *(verdicts.REPLAY, verdicts.REPLAY_DIFFERENCES),
    *(studies.POINTS, upkeep.WRITTEN, upkeep.MISTAKES, upkeep.KEPT, upkeep.INSTALLED),
    *(
        workloads.POINT_TOTALS,
        workloads.POINT_LAYERS,
        workloads.PLAN,
        workloads.RUN,
        workloads.ONE_SHOT,
        workloads.STUDY,
    ),
)
"""All of them, in the order of docs/columns.md."""
