import pytest
import torch
from torch import nn

from microdsd.networks.convolution import Convolution3d


@pytest.mark.parametrize(("kernel", "stride", "bias"), [(3, 1, True), (2, 2, True), (3, 1, False)])
def test_one_box_is_convolved_as_in_a_batch(kernel, stride, bias):
    torch.manual_seed(0)
    convolution = Convolution3d(5, 7, kernel, stride=stride, bias=bias)
    x = torch.randn(2, 5, 12, 10, 8)
    alone = torch.cat([convolution(box[None]) for box in x])
    batch = nn.Conv3d.forward(convolution, x)
    torch.testing.assert_close(alone, batch, rtol=1e-5, atol=1e-5)
    weight = convolution.weight
    (of_alone,) = torch.autograd.grad(alone.square().sum(), weight)
    (of_batch,) = torch.autograd.grad(batch.square().sum(), weight)
    torch.testing.assert_close(of_alone, of_batch, rtol=1e-4, atol=1e-3)


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch without oneDNN")
@pytest.mark.parametrize("module", [nn.Conv3d, Convolution3d])
def test_one_small_box_is_not_left_to_the_slow_loop(module):
    convolution, x = module(3, 4, 3), torch.randn(1, 3, 8, 8, 8)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        convolution(x)
    calls = {event.key for event in profile.key_averages()}
    # Should torch's own choice ever change, the class is no longer needed.
    assert ("aten::slow_conv3d" in calls) == (module is nn.Conv3d)


def test_bfloat16_stays_bfloat16():
    convolution, x = Convolution3d(3, 4, 3), torch.randn(1, 3, 6, 6, 6)
    with torch.autocast("cpu", torch.bfloat16):
        assert convolution(x).dtype == torch.bfloat16
