"""Convolutions that are fast for a batch of one too."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Convolution3d(nn.Conv3d):
    """Apply a convolution in 3D without padding, by oneDNN on every CPU that has it.

    Left alone, torch takes a loop of its own for one small float32 box, which is up to 15 times
    slower.
    """

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        left_to_the_loop = (
            len(input) == 1
            and input.device.type == "cpu"
            and input.dtype == torch.float32
            and not torch.is_autocast_enabled("cpu")
            and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        )
        output: Tensor
        if left_to_the_loop:
            output = torch.mkldnn_convolution(
                input, weight, bias, [0] * 3, self.stride, self.dilation, self.groups
            )
        else:
            output = super()._conv_forward(input, weight, bias)
        return output
