"""`barograph.stats` beside numpy in float64, over types, layouts and values."""

from __future__ import annotations

import math
from typing import Any

import numpy
import pytest
import torch

import barograph

NUMPY = ["float16", "float32", "float64"]
TORCH = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
SIZES = [1, 2, 7, 31, 64, 255, 2047, 2048, 2049, 100_003]


def hold(found: barograph.Statistics, values: Any) -> None:
    """Compares with what numpy makes of the same elements in float64."""
    whole = numpy.asarray(values, dtype="float64")
    finite = whole[numpy.isfinite(whole)]
    assert found.shape == list(whole.shape)
    assert found.count == whole.size
    assert found.nan == numpy.isnan(whole).sum()
    assert found.pos_inf == (whole == math.inf).sum()
    assert found.neg_inf == (whole == -math.inf).sum()
    assert found.non_finite == found.nan + found.pos_inf + found.neg_inf
    assert found.zeros == (finite == 0).sum()
    assert found.negatives == (finite < 0).sum()
    assert sum(found.histogram) <= whole.size
    assert found.histogram[0] == found.zeros
    if finite.size == 0:
        assert (found.min, found.max, found.mean, found.std, found.l1, found.l2) == (0, 0, 0, 0, 0, 0)
        return
    # Within a block the kernels add in float32.
    near = {"rel": 1e-5, "abs": 1e-6 * numpy.abs(finite).max()}
    assert (found.min, found.max) == (finite.min(), finite.max())
    assert found.abs_max == numpy.abs(finite).max()
    assert found.mean == pytest.approx(finite.mean(), **near)
    assert found.std == pytest.approx(finite.std(), **near)
    assert found.rms == pytest.approx(math.sqrt((finite**2).mean()), rel=1e-5)
    assert found.l1 == pytest.approx(numpy.abs(finite).sum(), rel=1e-5)
    assert found.l2 == pytest.approx(numpy.linalg.norm(finite), rel=1e-5)


def drawn(size: int, dtype: str = "float64") -> numpy.ndarray[Any, Any]:
    values = numpy.random.default_rng(size).normal(0.3, 2, size)
    values[::5] = 0
    return values.astype(dtype)


@pytest.mark.parametrize("dtype", NUMPY)
@pytest.mark.parametrize("size", SIZES)
def test_arrays_of_numpy(dtype: str, size: int) -> None:
    values = drawn(size, dtype)
    hold(barograph.stats(values), values)


@pytest.mark.parametrize("dtype", TORCH, ids=str)
@pytest.mark.parametrize("size", SIZES)
def test_tensors_of_torch(dtype: torch.dtype, size: int) -> None:
    values = torch.from_numpy(drawn(size)).to(dtype)
    hold(barograph.stats(values), values.double().numpy())


@pytest.mark.parametrize("dtype", NUMPY)
@pytest.mark.parametrize("size", [1, 3, 64, 2048, 5000])
def test_values_that_are_not_finite(dtype: str, size: int) -> None:
    for bad in (math.nan, math.inf, -math.inf):
        for place in {0, size // 2, size - 1}:
            values = drawn(size, dtype)
            values[place] = bad
            hold(barograph.stats(values), values)
            hold(barograph.stats(torch.from_numpy(values)), values)
        everywhere = numpy.full(size, bad, dtype)
        hold(barograph.stats(everywhere), everywhere)


def test_bfloat16_that_is_not_finite() -> None:
    values = torch.tensor([1.0, math.nan, math.inf, -math.inf, -0.0, -3.0], dtype=torch.bfloat16)
    hold(barograph.stats(values), values.double().numpy())


LAYOUTS = {
    "transposed": lambda a: a.T,
    "reversed": lambda a: a[::-1],
    "both reversed": lambda a: a[::-1, ::-1],
    "every second": lambda a: a[:, ::2],
    "every third, backwards": lambda a: a[::-3, 5:90:3],
    "one column": lambda a: a[:, 7],
    "one row": lambda a: a[3],
    "in Fortran's order": numpy.asfortranarray,
    "repeated": lambda a: numpy.broadcast_to(a[:, :1], (40, 17)),
    "with an axis more": lambda a: a[:, None, ::4],
    "without elements": lambda a: a[:0, ::-1],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", NUMPY)
def test_layouts_of_numpy(layout: str, dtype: str) -> None:
    values = LAYOUTS[layout](drawn(4000, dtype).reshape(40, 100))
    hold(barograph.stats(values), values)


@pytest.mark.parametrize("dtype", TORCH, ids=str)
def test_layouts_of_torch(dtype: torch.dtype) -> None:
    values = torch.from_numpy(drawn(4000)).to(dtype).reshape(4, 10, 10, 10)
    views = [
        values.permute(3, 1, 0, 2),
        values[:, ::3, :, 1],
        values.contiguous(memory_format=torch.channels_last),
        values[:1].expand(6, 10, 10, 10),
        values[2, 3, 4, 5],
        values[:0],
        values.as_strided((5, 5), (1, 1)),
    ]
    for view in views:
        hold(barograph.stats(view), view.double().numpy())


def test_scalars_and_empty_arrays() -> None:
    for scalar in (2.5, numpy.float32(-2.5), numpy.array(0.0), torch.tensor(math.nan)):
        found = barograph.stats(scalar)
        assert found.shape == [] and found.count == 1
    for empty in (numpy.zeros((3, 0, 2)), torch.zeros(0, dtype=torch.bfloat16), []):
        hold(
            barograph.stats(empty),
            numpy.asarray([] if isinstance(empty, list) else empty.tolist()).reshape(numpy.shape(empty)),
        )


def test_lists_are_arrays_too() -> None:
    hold(barograph.stats([[1.0, -2.0], [3.5, 0.0]]), [[1.0, -2.0], [3.5, 0.0]])


def test_memory_that_is_not_as_the_machine_likes_it() -> None:
    values = drawn(1000, "float32")
    for swapped in (values.astype(">f4"), values.astype(">f8"), values.astype(">f2"), values.astype(">f4")[::-2]):
        hold(barograph.stats(swapped), swapped)
    record = numpy.zeros(1000, dtype=[("mark", "i1"), ("value", "f4")])
    record["value"] = values
    hold(barograph.stats(record["value"]), values)
    shifted = numpy.frombuffer(b"\0" + values.tobytes(), dtype="u1")[1:].view("f4")
    hold(barograph.stats(shifted), values)


def test_arrays_that_may_not_be_written_to() -> None:
    values = drawn(3000, "float32")
    values.flags.writeable = False
    before = values.copy()
    hold(barograph.stats(values), values)
    hold(barograph.stats(numpy.frombuffer(values.tobytes(), "f4")), values)
    assert (values == before).all()


def test_tensors_that_belong_to_a_graph() -> None:
    parameter = torch.nn.Parameter(torch.randn(5, 6))
    hold(barograph.stats(parameter), parameter.detach().numpy())
    product = parameter * 2
    hold(barograph.stats(product), product.detach().numpy())
    assert product.requires_grad and parameter.grad is None


def test_views_that_stand_for_the_negative() -> None:
    conjugate = torch.tensor([1 + 2j, 3 - 4j]).conj().imag
    assert conjugate.is_neg()
    hold(barograph.stats(conjugate), [-2.0, 4.0])


@pytest.mark.parametrize(
    "values", [numpy.arange(4), torch.arange(4), [1, 2], numpy.array([True]), torch.tensor([True])], ids=repr
)
def test_integers_are_refused_with_advice(values: Any) -> None:
    with pytest.raises(TypeError, match=r"not of .*: convert with (array.astype\('float64'\)|tensor.double\(\))"):
        barograph.stats(values)


@pytest.mark.parametrize(
    "values",
    [
        None,
        "text",
        numpy.array([1j]),
        numpy.array([1], "longdouble"),
        torch.zeros(3).to_sparse(),
        object(),
        torch.tensor([1j]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_things_are_refused(values: Any) -> None:
    with pytest.raises(TypeError):
        barograph.stats(values)


@pytest.mark.parametrize("dtype", NUMPY)
def test_large_arrays(dtype: str) -> None:
    values = drawn(3_000_001, dtype)
    hold(barograph.stats(values), values)
    hold(barograph.stats(values[::-3]), values[::-3])
    values[2_999_999] = math.nan
    hold(barograph.stats(values), values)


def test_norms_do_not_overflow() -> None:
    found = barograph.stats(numpy.full(4, 1e20, "float32"))
    assert found.non_finite == 0
    assert found.l2 == pytest.approx(2e20, rel=1e-6)
    found = barograph.stats(torch.full((1000,), 60_000.0, dtype=torch.float16))
    assert found.l1 == pytest.approx(6e7)


def test_a_mean_far_from_zero_keeps_its_deviation() -> None:
    values = (1e4 + numpy.random.default_rng(0).normal(0, 1, 100_000)).astype("float32")
    assert barograph.stats(values).std == pytest.approx(values.astype("float64").std(), rel=1e-3)


def test_the_histogram_is_by_octaves() -> None:
    values = numpy.array([0.0, 2.0**-50, 2.0**-40, 1.0, -1.5, 2.0, 2.0**21, 2.0**30], "float32")
    found = barograph.stats(values).histogram
    assert len(found) == 64
    assert (found[0], found[1], found[2], found[42], found[43], found[63]) == (1, 1, 1, 2, 1, 2)
