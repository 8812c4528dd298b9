"""How long one sample takes from its first op to its last.

Knows no pipelining: chips wait for nothing but this sample.
"""

from __future__ import annotations

import numpy as np

from chipzinc.graph.opgraph import FloatArray, IntArray, OpGraph
from chipzinc.hardware.demand import distinct_reads
from chipzinc.hardware.package import Package
from chipzinc.throughput.traffic import HostTraffic, LinkTraffic


def latency_us(
    graph: OpGraph,
    package: Package,
    time_us: FloatArray,
    traffic: LinkTraffic | HostTraffic,
    chips: IntArray,
    stream_us: FloatArray,
) -> FloatArray:
    """Longest path of one sample through ops and transfers, in µs; shape [sample].

    A chip runs its ops one after another in the graph's order, so the path also goes from each op to the next on
    its chip. A transfer takes its bytes over the bandwidth of every link of its route in turn (store and forward),
    or what both chips pay the host. Every chip begins to stream its weights when the sample begins.

    Args:
        graph: the graph.
        package: the package.
        time_us: time of each op on each chip, shape [op, chip].
        traffic: how transfers go.
        chips: shape [sample, op].
        stream_us: time to stream each chip's weights, shape [sample, chip].
    """
    samples = np.arange(len(chips))
    reads = distinct_reads(graph)
    read = reads[np.argsort(reads[:, 1], kind="stable")]
    starts = np.searchsorted(read[:, 1], np.arange(graph.n_ops + 1))
    per_byte = _route_us_per_byte(package) if isinstance(traffic, LinkTraffic) else None
    finish = np.zeros((len(chips), graph.n_ops))
    busy_until = stream_us.copy()
    for op in range(graph.n_ops):
        here = chips[:, op]
        ready = busy_until[samples, here]
        for tensor in read[starts[op] : starts[op + 1], 0]:
            producer = graph.tensor_producer[tensor]
            there = chips[:, producer]
            if isinstance(traffic, HostTraffic):
                item = traffic.item_of_tensor[tensor]
                paid = traffic.cost_us[item, there] + traffic.cost_us[item, here]
                transfer = np.where(there == here, 0.0, paid)
            else:
                assert per_byte is not None
                transfer = per_byte[there, here]
                np.multiply(traffic.size[tensor], transfer, out=transfer, where=np.isfinite(transfer))
            ready = np.maximum(ready, finish[:, producer] + transfer)
        finish[:, op] = busy_until[samples, here] = ready + time_us[op, here]
    return np.asarray(finish.max(axis=1, initial=0.0))


def _route_us_per_byte(package: Package) -> FloatArray:
    """µs for one byte along each route; infinite where there is none; shape [chip, chip]."""
    routes = package.routes
    time = np.bincount(routes.rows, weights=1 / package.link_bytes_per_us[routes.ids], minlength=len(routes))
    return np.where(package.reachable, time.reshape(package.n_chips, package.n_chips), np.inf)
