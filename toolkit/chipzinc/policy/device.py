"""Where the network computes, and on how many threads."""

from __future__ import annotations

import torch

from chipzinc.errors import InputError


def prepare(device: str = "cpu") -> None:
    """Has torch compute on one thread: the solver has the other cores, and sums come out the same on every machine.

    Args:
        device: what must be there, such as ``cpu`` or ``cuda``.

    Raises:
        InputError: if torch has no such device.
    """
    torch.set_num_threads(1)
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"torch has no such device: {str(error).splitlines()[0]}", field="--device") from None
