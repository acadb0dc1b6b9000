from fourierconv import parameterizations
from fourierconv.study.theory.fft_counts import counts_by_kernel_size, step_counts

OURS = {
    "images: real forward": 2,
    "images: real inverse": 2,
    "images: complex": 0,
    "kernels: real forward": 0,
    "kernels: real inverse": 0,
    "kernels: complex": 0,
}


def test_every_layer_takes_two_forward_and_two_inverse_real_transforms() -> None:
    rows = {str(row.pop("one training step by")): row for row in step_counts(16, 5)}
    names = ["functional.conv2d", *(f"FourierConv2d, {name}" for name in parameterizations.NAMES)]
    assert {name: rows[name] for name in names} == dict.fromkeys(names, OURS)
    assert rows.keys() == {*names, "autograd through torch.fft"}


def test_autograd_through_torch_fft_takes_complex_ones() -> None:
    (row,) = (row for row in step_counts(16, 5) if row["one training step by"] == "autograd through torch.fft")
    assert row["images: complex"] == row["kernels: complex"] == 1
    assert row["kernels: real forward"] == 1


def test_counts_do_not_depend_on_the_kernel() -> None:
    assert counts_by_kernel_size(16, [1, 3, 16]) == [{"k": k, **OURS} for k in (1, 3, 16)]
