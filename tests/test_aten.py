"""Every operator that torch has: a formula, or a reviewed reason why there is none."""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from pathlib import Path

import torch
import torch.ao.quantization.fx._decomposed  # declares quantized_decomposed

import mac_audit.formulas  # noqa: F401  registers the formulas
from mac_audit.cost import _formulas, _lookup

# Names that match a pattern have no formula, for the reason before it. An operator that falls under none of these and
# has none either is an oversight.
ABSENT = {
    "only in training": r"""
        .*backward.* _?foreach_.* _fused_(adam|adamw|adagrad|sgd)_? _amp_.* .*_grad glu_jvp
        batch_norm_(elemt|gather_stats|gather_stats_with_counts|stats|update_stats) _fill_mem_eff_dropout_mask_
        _fused_moving_avg_obs_fq_helper_functional _compute_linear_combination
    """,
    "prepares weights before the model runs": r"""
        _convert_weight_to_int4pack.* _dyn_quant_pack_4bit_weight _cudnn_rnn_flatten_weight _cslt_compress .*prepack.*
        .*_reorder_.* .*unpack.* wrapped_fbgemm_pack_gemm_matrix_fp16
    """,
    "arithmetic follows from the values: how sparse, how ragged, how often it squares": r"""
        _?sparse_.* .*_sparse.* _?to_sparse.* _coalesce.* _convert_indices_.* _spdiags _spsolve hspmm
        .*_csr.* .*_coo.* qlinear.* .*nested.* .*jagged.* to_padded_tensor _to_sparse_semi_structured _cslt_.*
        linalg_matrix_exp .*indices_copy _?values_copy
    """,
    "a view, changed in place": "t squeeze unsqueeze detach transpose as_strided",
    "forward-mode differentiation and vmap, not in eval": "_make_dual.* _fw_primal.* _new_zeros_with_same_feature_meta",
    "parts of other operators, and probes": r"""
        _foobar _test.* hash_tensor _resize_output resize_as _copy_from_and_resize _philox_.* _histogramdd_.*
        _?get_.* _functional_sym_constrain_range.*
    """,
    "legacy spellings of layers that have one by their other name": r"""
        _wrapped_.* wrapped_.* .*_rowwise_offsets .*_2bit.* linear_dynamic_fp16_unpacked_weight _empty_per_channel_.*
        (add|mul|cat)(_scalar)?(_relu)?_out
    """,
}
FORMULAS = tuple(_formulas)  # those of this project; other tests register more
NAMESPACES = ("aten", "quantized", "_quantized", "onednn", "mkldnn", "mkl")


def overloads() -> dict[str, list[torch.FunctionSchema]]:
    """Schemas by name, of what takes tensors and gives new ones, and is not always taken apart before it runs."""
    composite = set(torch._C._dispatch_get_registrations_for_dispatch_key("CompositeImplicitAutograd"))
    found = defaultdict(list)
    for schema in torch._C._jit_get_all_schemas():
        namespace, _, name = schema.name.partition("::")
        full = f"{schema.name}.{schema.overload_name}".rstrip(".")
        if namespace not in NAMESPACES or full in composite or any(a.is_out for a in schema.arguments):
            continue
        if not torch._C._dispatch_has_kernel(full):  # of TorchScript alone
            continue
        taken = [a for a in schema.arguments if "Tensor" in str(a.type)]
        made = [r for r in schema.returns if "Tensor" in str(r.type)]
        views = all(r.alias_info is not None and not r.alias_info.is_write for r in made)
        if taken and made and not views:
            found[f"{namespace}.{name}"].append(schema)
    return dict(found)


OVERLOADS = overloads()


def reasons(name: str) -> list[str]:
    short = name.partition(".")[2]
    stated = [pattern for patterns in ABSENT.values() for pattern in patterns.split()]
    return [pattern for pattern in stated if re.fullmatch(f"({pattern})_?", short)]


def test_every_operator_has_a_formula_or_a_reason() -> None:
    assert len(OVERLOADS) > 900
    assert [name for name in OVERLOADS if _lookup(name) is None and not reasons(name)] == []


def test_every_reason_is_needed() -> None:
    needed = {pattern for name in OVERLOADS if _lookup(name) is None for pattern in reasons(name)}
    stated = [pattern for patterns in ABSENT.values() for pattern in patterns.split()]
    assert [pattern for pattern in stated if pattern not in needed] == []


def test_every_formula_is_of_an_operator() -> None:
    """A name that torch does not know is a slip of the pen. torchvision declares its own."""
    decomposed = torch.ao.quantization.fx._decomposed.quantized_decomposed_lib._op_defs
    known = {schema.name for schema in torch._C._jit_get_all_schemas()} | {name.split(".")[0] for name in decomposed}
    torchs = [name for name in FORMULAS if name.split(".")[0] in (*NAMESPACES, "quantized_decomposed", "inductor")]
    assert [name for name in torchs if name.replace(".", "::") not in known] == []


def test_every_formula_asks_for_what_each_overload_has() -> None:
    wrong = []
    for name, schemas in OVERLOADS.items():
        _, parameters = _lookup(name) or (None, ())
        asked = {p.name for p in parameters if p.default is inspect.Parameter.empty} - {"out", "outs", "ins"}
        wrong += [str(schema) for schema in schemas if not asked <= {argument.name for argument in schema.arguments}]
    assert wrong == []


def test_documentation_says_how_many() -> None:
    known = sum(_lookup(name) is not None for name in OVERLOADS)
    text = " ".join((Path(__file__).parent.parent / "docs" / "operators.md").read_text(encoding="utf-8").split())
    assert f"Of the {len(OVERLOADS)} operators of torch 2.13 " in text
    assert f" {known} have a formula" in text
