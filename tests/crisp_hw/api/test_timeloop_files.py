"""Wrong kinds of values for `find_mapping` and `render` end in one sentence."""

import pytest

import crisp_hw
from crisp_hw import InputError, SearchOptions

WRONG = {
    "number": ((3,), {}, "the file is 3, an int; give one path or several of Timeloop's YAML files"),
    "list": (([3],), {}, "the file is 3, an int"),
    "nothing": (([],), {}, "no file is given; give architecture and problem"),
    "missing": (("no.yaml",), {}, "no.yaml: cannot be read (no such file or directory)"),
    "objective": (("a.yaml", "speed"), {}, "unknown objective 'speed'; there are cycles, energy, edp"),
    "budget": (("a.yaml",), {"budget": "all"}, "budget is 'all', a str; give a whole number or None"),
    "no budget": (("a.yaml",), {"budget": 0}, "budget is 0; give 1 or more"),
    "jobs": (("a.yaml",), {"jobs": "2"}, "jobs is '2', a str; give a whole number"),
    "both": (("a.yaml",), {"options": SearchOptions(), "seed": 2}, "options and seed are given"),
    "options": (("a.yaml",), {"options": 3}, "options is 3, an int; give SearchOptions(...)"),
    "progress": (("a.yaml",), {"progress": 3}, "progress is 3, an int; give a function or None"),
    "keyword": (("a.yaml",), {"bugdet": 3}, "unknown keyword bugdet; did you mean budget?"),
}


@pytest.mark.parametrize(("values", "keywords", "said"), WRONG.values(), ids=WRONG)
def test_find_mapping_says_what_it_takes(values, keywords, said):
    with pytest.raises(InputError) as caught:
        crisp_hw.find_mapping(*values, **keywords)
    assert said in str(caught.value)


def test_render_says_what_it_takes(tmp_path):
    found = crisp_hw.evaluate("resnet50", layers="fc", cache=False)
    for values, said in (
        ((3, tmp_path), "the evaluation is 3, an int; give what evaluate(...) returned"),
        ((found.network, tmp_path), "the evaluation is a NetworkEvaluation"),
        ((found, 3), "the folder is 3, an int; give a path"),
        ((found, tmp_path, "v5"), "unknown front_end 'v5'; there are v4"),
    ):
        with pytest.raises(InputError) as caught:
            crisp_hw.render(*values)
        assert said in str(caught.value)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: crisp_hw.characterize("stc", "magic"), "no way to characterize named magic; valid names: table"),
        (lambda: crisp_hw.characterize("stc", 3), "method is 3, an int; give table, cacti, accelergy"),
        (lambda: crisp_hw.characterize("stc", node_nm="45"), "node_nm is '45', a str; give a whole number"),
        (lambda: crisp_hw.characterize(["stc", "dstc"]), "2 accelerators are given to characterize; give one"),
        (lambda: crisp_hw.load_arch("stc", energy=3), "energy is 3, an int; give the name of a table"),
        (lambda: crisp_hw.load_arch("stc", "table", "x"), "node_nm is 'x', a str; give a whole number"),
        (lambda: crisp_hw.load_workload(3), "the workload is 3, an int; give a name of list_workloads()"),
        (lambda: crisp_hw.load_pruned(3), "the pruned-model file is 3, an int; give the path of a .pt"),
        (lambda: crisp_hw.WorkloadPattern(3), "the workload is 3, an int; give the name of a workload"),
        (lambda: crisp_hw.NM("2", 4), "n of N:M is '2', a str; give a whole number"),
        (lambda: crisp_hw.EvaluateOptions(3), "objective is 3, an int; give 'cycles' or 'energy' or 'edp'"),
        (lambda: crisp_hw.SearchOptions(device="tpu"), "unknown device 'tpu'; there are numpy, cpu, cuda"),
    ],
)
def test_the_others_say_what_they_take(call, said):
    with pytest.raises(InputError) as caught:
        call()
    assert said in str(caught.value)
