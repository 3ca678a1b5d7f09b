"""Deliberate mistakes: can the properties and the guards of scale fail?

``python -m tests.breaks [WORDS]`` makes each mistake of the table below, or those whose test or words contain
``WORDS``, in a copy of the sources that has the layout in which they are installed, runs the test that has to fail
there, and prints whether it did and by what. It exits 1 where a mistake went unnoticed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.installed import copied

# Examples are drawn alike each time, and one that fails is not made smaller.
PROGRAM = """
import sys
from hypothesis import Phase, settings
settings.register_profile("breaks", derandomize=True, database=None, phases=[Phase.explicit, Phase.generate])
settings.load_profile("breaks")
import mac_audit, pytest
assert mac_audit.__file__.startswith(sys.argv[1]), mac_audit.__file__
sys.exit(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--tb=short", sys.argv[2]]))
"""


class Break(NamedTuple):
    """A mistake: ``old`` in ``file``, where it stands once, becomes ``new``, and ``test`` has to fail."""

    file: str
    old: str
    new: str
    test: str
    mistake: str


GRAPH = "tests/test_properties.py::test_the_graph_computes_what_the_model_computes"
MADDS = "tests/test_properties.py::test_multiply_adds_are_torchs"
SUMS = "tests/test_properties.py::test_the_cost_is_the_sum_of_its_operators_in_every_view"
DOCUMENTS = "tests/test_properties.py::test_documents_hold_everything"
FOLDED = "tests/test_properties.py::test_what_folds_and_fuses_costs_no_more"
NAMES = "tests/test_properties.py::test_names_change_nothing"
BATCH = "tests/test_properties.py::test_batch_scales_activations_and_not_weights"
CALLS = "tests/test_scale.py::test_calls_grow_with_the_operators"
NESTED = "tests/test_scale.py::test_modules_may_nest_as_deep_as_torch_runs_them"
DEEPER = "tests/test_scale.py::test_what_nests_deeper_is_told_in_a_sentence"
CYCLE = "tests/test_scale.py::test_a_module_may_hold_what_holds_it"
SHARED = "tests/test_scale.py::test_a_module_in_a_thousand_places_is_one_layer"
MODULES = "tests/test_scale.py::test_ten_thousand_modules"
WIDE = "tests/test_scale.py::test_a_thousand_branches"

# fmt: off
BREAKS = (
    Break("mac_audit/recorder.py",
          '        node = self.graph.create_node("call_function", target)\n        node.args',
          '        if func._schema.name.endswith("_"):\n            return result\n'
          '        node = self.graph.create_node("call_function", target)\n        node.args',
          GRAPH, "the recorder loses what is done in place"),
    Break("mac_audit/recorder.py", "named.setdefault(id(tensor), ", "named.setdefault(hash((key, tensor.shape)), ",
          GRAPH, "two parameters of one shape are taken for one"),
    Break("mac_audit/recorder.py", "        elif made.result is None:", "        elif not made.result:",
          GRAPH, "the first of several results is taken for all of them"),
    Break("mac_audit/cost.py", "self.c_in * self.c_out * prod(self.kernel) // self.groups",
          "self.c_in * self.c_out * prod(self.kernel)",
          MADDS, "the multiply-adds of a convolution ignore its groups"),
    Break("mac_audit/formulas/matmul.py", "work = prod(batch) * m * n * k", "work = m * n * k",
          MADDS, "a batch of products counts as one"),
    Break("mac_audit/formulas/conv.py", "positions_out=out.numel // c_out",
          "positions_out=out.numel // c_out // out.shape[0]",
          MADDS, "a convolution of a batch counts one image"),
    Break("mac_audit/profile.py", "total[parents[path]] += total[path]",
          "total[parents[path]] += total[path] + own[path]",
          SUMS, "a layer's own cost is added twice to those around it"),
    Break("mac_audit/profile.py", "                inside[parents[path]] |= inside[path]\n", "",
          SUMS, "parameters of inner layers are left out"),
    Break("mac_audit/profile.py", "            for name in CLASSES\n", "            for name in CLASSES[1:]\n",
          SUMS, "a class of operators is left out"),
    Break("mac_audit/timing.py", "return Spent(fsum(time.total for time in times), bound)",
          "return Spent(fsum({time.total for time in times}), bound)",
          SUMS, "equal times are added once"),
    Break("mac_audit/structure.py", "region = range(entry + 1, leave)", "region = range(max(entry, 0), leave + 1)",
          SUMS, "blocks overlap where they meet"),
    Break("mac_audit/plain.py", "for name in _names(type(value))}",
          'for name in _names(type(value)) if name != "after"}',
          DOCUMENTS, "a field is left out of the JSON"),
    Break("mac_audit/plain.py", "for name in _names(type(value))}",
          'for name in _names(type(value)) if name != "end_column"}',
          DOCUMENTS, "a field that does not count in comparisons is left out of the JSON"),
    Break("mac_audit/plain.py", "        return [to_plain(item) for item in value]\n    return value",
          "        return [to_plain(item) for item in value]\n"
          "    return int(value) if isinstance(value, bool) else value",
          DOCUMENTS, "booleans are written as numbers"),
    Break("mac_audit/execution.py", "        removed.add(norm.name)\n", "",
          FOLDED, "a norm is folded and runs all the same"),
    Break("mac_audit/fusion.py", "replace(tensor, elements=0) if", "replace(tensor, elements=2 * tensor.elements) if",
          FOLDED, "what stays in registers counts twice"),
    Break("mac_audit/fusion.py",
          "and readers.get(index) == {self.first.get(operator.name)}",
          "and self.first.get(operator.name) in readers.get(index, ())",
          FOLDED, "what another kernel reads too stays in registers"),
    Break("mac_audit/fusion.py", "return (kernel, within.pop()) if ready and len(within) == 1 else (operator.name, 0)",
          "return kernel, within.pop()",
          FOLDED, "a kernel reads what is not there when it starts"),
    Break("mac_audit/liveness.py", "        now = starts.get(operator.kernel, time)\n",
          "        now = len(network.operators) - 1 if operator.kernel else time\n",
          FOLDED, "what a kernel reads stays in memory to the end"),
    Break("mac_audit/rules/g1_unequal_channels.py", "and not shape.depthwise\n",
          'and not shape.depthwise and "r" not in costed.operator.layer\n',
          NAMES, "a rule looks at the names of layers"),
    Break("mac_audit/cost.py", "kernels = 0 if operator.kernel else 1",
          'kernels = 0 if operator.kernel or operator.layer.endswith("t0") else 1',
          NAMES, "a cost looks at the name of its layer"),
    Break("mac_audit/profile.py", '        path = path.rpartition(".")[0]\n        if path in known:',
          "        path = path[:-1]\n        if path in known:",
          NAMES, "a layer belongs to one whose name begins alike"),
    Break("mac_audit/cost.py", "            weight += elements\n",
          "            weight += elements * network.tensors[network.inputs[0]].shape[0]\n",
          BATCH, "weights are read once for each image of a batch"),
    Break("mac_audit/cost.py", "            activation += elements\n",
          "            activation += elements // network.tensors[network.inputs[0]].shape[0]\n",
          BATCH, "activations of one image alone are read"),
    Break("mac_audit/cost.py", "writes = sum(tensor.elements for tensor in written) if",
          "writes = sum(tensor.elements // network.tensors[network.inputs[0]].shape[0] for tensor in written) if",
          BATCH, "activations of one image alone are written"),
    Break("mac_audit/formulas/norm.py", "other_ops=input.numel * (2", "other_ops=input.numel // input.shape[0] * (2",
          BATCH, "arithmetic of a norm does not grow with the batch"),
    Break("mac_audit/profile.py", "    @cached_property\n    def _by_name(", "    @property\n    def _by_name(",
          CALLS, "the operators by name are collected at each look-up"),
    Break("mac_audit/profile.py", "    @cached_property\n    def _viewed(", "    @property\n    def _viewed(",
          CALLS, "what views look at is found at each look-up"),
    Break("mac_audit/profile.py", "    @cached_property\n    def structure(", "    @property\n    def structure(",
          CALLS, "the graph is made at each look at it"),
    Break("mac_audit/profile.py", "    @cached_property\n    def _made(", "    @property\n    def _made(",
          CALLS, "constructions are collected for each finding"),
    Break("mac_audit/profile.py", "    @cached_property\n    def called_from(", "    @property\n    def called_from(",
          CALLS, "the lines of calls are collected for each finding"),
    Break("mac_audit/profile.py", "if judged not in made.geometries:", "if True:",
          CALLS, "the geometries of a line are counted for each of its layers"),
    Break("mac_audit/network.py", "    @cached_property\n    def producers(", "    @property\n    def producers(",
          CALLS, "who computed a tensor is found at each look-up"),
    Break("mac_audit/network.py", "    @cached_property\n    def readers(", "    @property\n    def readers(",
          CALLS, "who reads a tensor is found at each look-up"),
    Break("mac_audit/network.py", "        return frozenset(self.outputs)\n", "        return self.outputs\n",
          CALLS, "results of the model are searched one by one"),
    Break("mac_audit/interface.py", "written in network.results", "written in network.outputs",
          CALLS, "results of the model are searched one by one, by G1"),
    Break("mac_audit/fusion.py", "key=position.__getitem__)",
          "key=lambda name: next(i for i, o in enumerate(self.network.operators) if o.name == name))",
          CALLS, "the place of a kernel is searched"),
    Break("mac_audit/structure.py", "    waiting = [(region, block)]\n",
          "    waiting = [(region, block)]\n    [flow.block(range(i, region.stop), block.origin) for i in region]\n",
          CALLS, "each part of a block is looked at as a block"),
    Break("mac_audit/capture.py", "sys.setrecursionlimit(2 * limit)", "sys.setrecursionlimit(limit)",
          NESTED, "our frames count against the model's nesting"),
    Break("mac_audit/capture.py", "    finally:\n        sys.setrecursionlimit(limit)", "    finally:\n        pass",
          DEEPER, "Python's limit stays raised"),
    Break("mac_audit/capture.py", "            module.training = False\n", "            break\n",
          CYCLE, "a module that holds itself stays in training"),
    Break("mac_audit/profile.py", "    @cached_property\n    def operators(", "    @property\n    def operators(",
          MODULES, "operators are costed at each look at them"),
    Break("mac_audit/recorder.py", "        line = caller(sys._getframe(1))\n",
          "        line = caller(sys._getframe(1)) and caller(sys._getframe(1))\n",
          MODULES, "the line of an operator is looked for twice"),
    Break("mac_audit/profile.py", "leaf=layer.path not in containers,",
          "leaf=all(layer.path != path for path in containers),",
          CALLS, "layers inside a layer are searched"),
    Break("mac_audit/structure.py", "width=max(Counter(chain[i - part.start] for i in found).values(), default=0),",
          "width=max((sum(chain[j - part.start] == chain[i - part.start] for j in found) for i in found), default=0),",
          WIDE, "a branch is compared with every other"),
    Break("mac_audit/recorder.py", "        layer.calls += 1\n", "        layer.calls = 1\n",
          SHARED, "calls of one module are counted once"),
)
# fmt: on


def main() -> None:
    """Make the mistakes one by one."""
    words = " ".join(sys.argv[1:])
    chosen = [each for each in BREAKS if words in f"{each.test} {each.mistake}"]
    unnoticed = 0
    with tempfile.TemporaryDirectory() as folder:
        copied(Path(folder))
        for test in sorted({each.test for each in chosen}):
            if told := _failure(folder, test):
                sys.exit(f"{test} fails on the sources as they are: {told}")
        for each in chosen:
            file = Path(folder, each.file)
            text = file.read_text(encoding="utf-8")
            if text.count(each.old) != 1:
                sys.exit(f"{each.file} has {text.count(each.old)} times, not once: {each.old}")
            file.write_text(text.replace(each.old, each.new), encoding="utf-8")
            told = _failure(folder, each.test)
            file.write_text(text, encoding="utf-8")
            unnoticed += not told
            test = each.test.partition("::test_")[2]
            print(f"{'caught' if told else 'NOT caught'}: {each.mistake} [{test}] {told[:200]}", flush=True)
    print(f"{len(chosen) - unnoticed} of {len(chosen)} caught")
    sys.exit(unnoticed > 0)


def _failure(folder: str, test: str) -> str:
    """By what ``test`` fails; empty where it passes. Anything but a failure ends the run."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, folder, test],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode > 1:
        sys.exit(f"{test} did not run: {ran.stdout[-3000:]}{ran.stderr[-1000:]}")
    found = re.search(r"^E  +(.*)", ran.stdout, re.MULTILINE)
    return (found[1] if found else ran.stdout[-300:]) if ran.returncode else ""


if __name__ == "__main__":
    main()
