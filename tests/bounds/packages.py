"""Packages of every kind, small enough for every partition to be looked at."""

from __future__ import annotations

import dataclasses

from chipzinc.hardware.load import build_package
from chipzinc.hardware.package import Package
from chipzinc.hardware.yaml import parse_yaml
from tests.throughput.small import OFFCHIP, package

RULES = "rules: [acyclic_dataflow, no_skipped_chips, memory_capacity]"
MIXED = """
name: mixed
chips:
  - {class: fast, count: 1, peak: 4 MOPS, sram: 900 B, sram_bandwidth: 20 MB/s, efficiency: {matmul: 0.5}}
  - {class: slow, count: 2, peak: 1 MOPS, sram: 700 B, sram_bandwidth: 10 MB/s, supported_kinds: [elementwise]}
topology: {kind: chain, link_bandwidth: 2 MB/s}
rules: [acyclic_dataflow, supported_kinds, memory_capacity]
"""
HOST = "offchip_bandwidth: 3 MB/s"
IN_ORDER = [
    package("kind: ring-one-way", chips=3, sram="900 B", more=RULES),
    package("kind: chain", chips=3, sram="900 B", more=f"communication: overlapped\n{RULES}"),
    package("kind: chain", chips=3, sram="900 B", chip=HOST, more=f"communication: host\n{RULES}"),
]
OTHERS = [
    package("kind: ring-two-way", chips=4, sram="900 B", more=RULES),
    package("kind: mesh, rows: 2, columns: 2", chips=4, sram="900 B", more="rules: [acyclic_dataflow]"),
    package("kind: chain", chips=3, sram="200 B", chip=OFFCHIP, more=f"weights: streamed\n{RULES}"),
    package("kind: ring-one-way", chips=3, sram="900 B", more="rules: [memory_capacity]"),
    build_package(parse_yaml(MIXED)),
]


def in_another_unit(on: Package, scale: float) -> Package:
    """A package on which all takes `scale` times as long."""
    return dataclasses.replace(
        on,
        peak_flops_per_us=on.peak_flops_per_us / scale,
        sram_bytes_per_us=on.sram_bytes_per_us / scale,
        overhead_us=on.overhead_us * scale,
        link_bytes_per_us=on.link_bytes_per_us / scale,
        offchip_bytes_per_us=on.offchip_bytes_per_us / scale,
    )
