"""A figure of one layer on one accelerator, with what the tables count beside the model."""

from dataclasses import replace

from crisp_hw.explanation.nouns import Explanation
from crisp_hw.explanation.subject import check_subject, explain_scene, scene_of
from crisp_hw.spec.evaluation import LayerEvaluation
from crisp_hw.uneven import with_cycles


def explain_row(row: LayerEvaluation, what: str) -> Explanation:
    """The explanation of a figure of one row of an evaluation; raises as `explain`.

    It is of the embedded engine; where the row has other numbers (of an installed Timeloop, or of another version), a
    note says so.
    """
    check_subject(row.point.design, what)
    scene = scene_of(row.point)
    scene = replace(scene, result=with_cycles(scene.result, scene.result.cycles + row.result.uneven_cycles))
    found = replace(explain_scene(scene, what), subject=f"{what}: layer {row.layer} on {row.arch}")
    notes = []
    if scene.result.cycles != row.result.cycles:
        notes.append(
            f"explained is what the embedded engine computes, {scene.result.cycles:,} cycles; the result has "
            f"{row.result.cycles:,}"
        )
    parts = {} if row.index is None else {"the index of kept blocks": sum(row.index.energy_pj.values())}
    parts |= {line.name.replace("_", " "): line.energy_pj for line in row.overheads}
    if listed := ", ".join(f"{pj:,.0f} pJ for {name}" for name, pj in parts.items() if pj):
        notes.append(f"the tables of evaluate also charge what this model leaves out: {listed}")
    return replace(found, notes=(*found.notes, *notes))
