"""Every public name gives what it promises, however often and after whatever import it is asked for."""

import importlib
import inspect
import pkgutil
import pydoc
import rlcompleter
import subprocess
import sys
import types

import pytest
import yaml
from products import gemv

import crisp_hw
import crisp_prune
from crisp_hw import api

PACKAGES = (crisp_hw, crisp_prune)


def need(package):
    if package is crisp_prune:
        pytest.importorskip("torch")


@pytest.fixture(scope="module")
def every_module():
    """All modules of both packages are imported."""
    pytest.importorskip("torch")
    for package in PACKAGES:
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                importlib.import_module(found.name)


@pytest.fixture
def calls(tmp_path):
    """A meaningful use of every public name, by package and name."""
    import torch

    table = tmp_path / "all.yaml"
    table.write_text(yaml.safe_dump(gemv()))
    net = torch.nn.Sequential(torch.nn.Linear(16, 16), torch.nn.ReLU(), torch.nn.Linear(16, 4))
    config = {"sparsity": 0.6, "block": 4, "epochs": 1}
    pruner = crisp_prune.Crisp(net, crisp_prune.CrispConfig(**config), sample=torch.zeros(1, 16))
    pruner.save(tmp_path / "run.pt")
    exported = pruner.export()
    pruner.finalize(check=False)
    fc = {"layers": "fc", "cache": False}
    cloud = torch.tensor([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0]]).numpy()
    small = crisp_hw.evaluate("resnet50", "stc", **fc)
    return {
        crisp_hw: {
            "Accelerator": lambda: isinstance(crisp_hw.load_arch("stc"), crisp_hw.Accelerator),
            "BestMapping": lambda: crisp_hw.BestMapping(crisp_hw.find_mapping(table).mapped).found.cycles == 8,
            "Characterization": lambda: isinstance(crisp_hw.characterize("stc"), crisp_hw.Characterization),
            "CrispError": lambda: issubclass(crisp_hw.InputError, crisp_hw.CrispError),
            "Descriptor": lambda: isinstance(crisp_hw.describe("vgg16")[0], crisp_hw.Descriptor),
            "EvaluateOptions": lambda: crisp_hw.EvaluateOptions(jobs=2).jobs == 2,
            "EvaluatedMapping": lambda: isinstance(
                crisp_hw.model(crisp_hw.render(small, tmp_path / "one")), crisp_hw.EvaluatedMapping
            ),
            "Evaluation": lambda: len(crisp_hw.Evaluation(small.network).to_frame()) == 1,
            "InputError": lambda: str(crisp_hw.InputError("wrong", hint="mend it")) == "wrong; mend it",
            "MappingError": lambda: crisp_hw.MappingError("no mapping").exit_code == 3,
            "ModelFile": lambda: crisp_hw.ModelFile("weights.pth", net, (1, 16)).example == (1, 16),
            "NM": lambda: crisp_hw.NM(2, 4) == crisp_hw.NM(n=2, m=4),
            "PointNetwork": lambda: isinstance(crisp_hw.point_cloud(cloud, 1.0), crisp_hw.PointNetwork),
            "PrunedModel": lambda: crisp_hw.PrunedModel("net", exported.layers).layers == exported.layers,
            "SearchOptions": lambda: crisp_hw.SearchOptions(budget=3).budget == 3,
            "Study": lambda: isinstance(crisp_hw.explore("resnet50", space={"cores": [4]}, **fc), crisp_hw.Study),
            "Workload": lambda: crisp_hw.Workload("net", crisp_hw.load_workload("vgg16").layers).name == "net",
            "WorkloadPattern": lambda: crisp_hw.WorkloadPattern("vgg16", "2:4").nm == crisp_hw.NM(2, 4),
            "characterize": lambda: crisp_hw.characterize("stc").node_nm == 45,
            "describe": lambda: len(crisp_hw.describe("resnet50", nm="2:4")) == 54,
            "describe_checkpoint": lambda: (
                len(crisp_hw.describe_checkpoint(net.state_dict(), net, torch.zeros(1, 16)).layers) == 2
            ),
            "evaluate": lambda: crisp_hw.evaluate("resnet50", "stc", **fc) == small,
            "explore": lambda: len(crisp_hw.explore("resnet50", space={"cores": [4, 8]}, **fc)) == 2,
            "find_mapping": lambda: crisp_hw.find_mapping(table, "cycles").found.cycles == 8,
            "import_model": lambda: len(crisp_hw.import_model(net, example=(1, 16)).layers) == 2,
            "list_arch": lambda: "stc" in crisp_hw.list_arch(),
            "list_workloads": lambda: "resnet50" in crisp_hw.list_workloads(),
            "load_arch": lambda: crisp_hw.load_arch("stc:cores=8").cores == 8,
            "load_pruned": lambda: len(crisp_hw.load_pruned(tmp_path / "run.pt").layers) == 2,
            "load_workload": lambda: crisp_hw.load_workload("resnet50").name == "resnet50",
            "map": lambda: crisp_hw.map(table, "cycles").found.cycles == 8,
            "model": lambda: crisp_hw.model(crisp_hw.render(small, tmp_path / "files")).result.cycles > 0,
            "point_cloud": lambda: crisp_hw.point_cloud(cloud, 1.0).voxels == 2,
            "render": lambda: len(crisp_hw.render(small, tmp_path / "documents")) == 5,
            "save_pruned": lambda: crisp_hw.save_pruned(tmp_path / "again.pt", exported) is None,
        },
        crisp_prune: {
            "Crisp": lambda: (
                crisp_prune.Crisp(torch.nn.Linear(8, 8), crisp_prune.CrispConfig(0.5, block=8)).iteration == 0
            ),
            "CrispConfig": lambda: crisp_prune.CrispConfig(**config).iterations == 2,
            "FitOptions": lambda: crisp_prune.FitOptions(every=3).every == 3,
            "Plan": lambda: crisp_prune.Plan((), (0.5,)).total == 0,
            "make_plan": lambda: len(crisp_prune.make_plan(net, crisp_prune.CrispConfig(**config)).layers) == 2,
        },
    }


def test_no_module_bears_the_name_of_a_public_function():
    for room, owner in ((crisp_hw, crisp_hw), (api, crisp_hw), (crisp_prune, crisp_prune)):
        modules = {found.name for found in pkgutil.iter_modules(room.__path__)}
        assert not modules & {*owner.__all__, "explore"}


def test_every_name_is_what_it_was_after_importing_everything(every_module, calls):
    for package in PACKAGES:
        assert set(calls[package]) == set(package.__all__)
        for name in package.__all__:
            first, second = getattr(package, name), getattr(package, name)
            assert first is second and not isinstance(first, types.ModuleType)


@pytest.mark.parametrize("name", [f"{package.__name__}.{name}" for package in PACKAGES for name in package.__all__])
def test_every_name_does_what_it_promises_twice(every_module, calls, name):
    package, _, own = name.partition(".")
    promise = calls[sys.modules[package]][own]
    assert promise()
    assert promise()


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_dir_and_completion_show_the_api_alone(every_module, package):
    shown = [name for name in dir(package) if not name.startswith("_")]
    assert sorted(shown) == sorted(package.__all__)
    completer = rlcompleter.Completer({package.__name__: package})
    found = {each.partition(".")[2].rstrip("()") for each in completer.attr_matches(f"{package.__name__}.")}
    assert found == set(package.__all__)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_help_shows_every_function_and_class_with_its_text(package):
    need(package)
    text = pydoc.plain(pydoc.render_doc(package))
    for name in package.__all__:
        what = getattr(package, name)
        assert inspect.isclass(what) or inspect.isfunction(what)
        heading = f"class {name}" if inspect.isclass(what) else f"{what.__name__}("
        assert heading in text or f"{name} = class" in text, name
        assert inspect.getdoc(what), f"{name} has no text"


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_both_packages_say_their_version(package):
    assert package.__version__ == crisp_hw.__version__ and "__version__" in dir(package)


def test_help_of_evaluate_names_every_option():
    text = pydoc.plain(pydoc.render_doc(crisp_hw.evaluate))
    for name in ("nm:", "objective:", "activation_density:", "jobs:", "cache:"):
        assert name in text


@pytest.mark.process
def test_to_evaluate_loads_nothing_that_explores():
    code = "import sys, crisp_hw; crisp_hw.evaluate; print(sum('crisp_hw.exploration' in each for each in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout == "0\n"


@pytest.mark.process
@pytest.mark.parametrize("order", ["from {0} import {1}; import {0}", "import {0}; {0}.{1}; from {0} import {1}"])
def test_a_new_process_gives_functions_in_either_order(order):
    code = f"{order.format('crisp_hw', 'describe')}; assert callable(describe) and crisp_hw.describe is describe"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_an_unknown_name_is_an_attribute_error():
    for package in PACKAGES:
        with pytest.raises(AttributeError, match="has no attribute 'evalute'"):
            _ = package.evalute
