"""`make experiments`: the learned policy against search without learning, at equal corrections.

    python -m benchmarks.experiments                       # all, hours; what was run is not run again
    python -m benchmarks.experiments bert --seeds 1        # one of them, as far as one seed

Follows Xie et al., MLSys 2022, section 5. Runs are kept in docs/experiments/ as they end, a JSON line each; tables and
plots are made from them. All methods go through the same correction; `slice`, of one sample, and `optimise`, of none,
stand beside them. `greedy` is the reference: its hint, corrected.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import machine, print_table, toolchains
from chipzinc.baselines.driver import Budget
from chipzinc.bounds.simple import simple_bound
from chipzinc.compare.case import Case
from chipzinc.compare.parsing import parse_method
from chipzinc.compare.runs import Run, RunFile, run_all
from chipzinc.compare.table import ALL, Comparison
from chipzinc.graph.opgraph import OpGraph
from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.hardware.demand import op_io_bytes, op_weight_bytes
from chipzinc.hardware.load import load_spec
from chipzinc.hardware.package import Package
from chipzinc.plotting import save_plot
from chipzinc.policy.curriculum import Variation, roomy, varied
from chipzinc.solve import Session
from chipzinc.throughput.evaluator import Evaluator, ModelEvaluator
from chipzinc.throughput.model import ThroughputModel

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "experiments"
SAMPLES, SEEDS, OPTIMISE_S = 1000, 5, 30.0

TEST_GRAPHS = (
    "bert-base",
    "vit-base",
    "swin-tiny",
    "t5-small",
    "deepseek-moe-style",
    "mobilebert",
    "inception-v3",
    "densenet169",
    "nasnet-a-mobile",
    "unet-plus-plus",
    "two-stream",
    "hrnet-w18",
)
"""Six transformers, one of them a mixture of experts, and six branching graphs, chosen by family."""

METHODS = {
    "greedy": "greedy",
    "random": "random",
    "annealing": "annealing",
    "scratch": "scratch",
    "zero-shot": "policy:policy=plain",
    "fine-tuned": "finetuned:policy=plain",
    "annealing from slice": "annealing:start=slice",
    "zero-shot from slice": "policy:policy=sliced",
    "fine-tuned from slice": "finetuned:policy=sliced,start=slice",
    "slice": "slice",
    "annealing from long slice": "annealing:start=long-slice",
    "fine-tuned from long slice": "finetuned:policy=sliced,start=long-slice",
    "long slice": "slice:seconds=8",
}
"""What the tables call each method, and its name and settings. Those from slice begin at slice's hint, those from long
slice at what slice finds in 8 s, the others at greedy's hint: what a method found is told apart from what its beginning
was worth."""

ABLATIONS = {
    "greedy": "greedy",
    "fine-tuned": "finetuned:policy=plain",
    "SAMPLE": "finetuned:policy=plain,mode=sample",
    "no solver": "finetuned:policy=plain,solver=false",
    "no imitation": "finetuned:policy=plain,imitation=0",
    "no PPO": "finetuned:policy=plain,reward=0",
    "no coarsening": "finetuned:policy=plain,coarse=false",
}

ANNEALINGS = {"greedy": "greedy"} | {
    f"{start:g} to {end:g}, {moves:g} moves": f"annealing:temperature={start},final={end},moves={moves}"
    for start, end in ((0.03, 0.003), (0.01, 0.001), (0.003, 0.0003))
    for moves in (1, 2, 4, 8, 16)
}

IMPROVEMENTS = (1.0, 1.25, 1.5, 2.0, 3.0)
"""Throughputs over greedy's, for the table of the samples it takes to reach them."""


@dataclass(frozen=True)
class Experiment:
    """Methods on graphs.

    Attributes:
        title: what it shows.
        cases: graphs and packages.
        methods: by what the tables call them.
        judge: who scores, from the graph and the package that hints know; None for the throughput model.
        samples: at most so many; for those that need fewer to say what they say.
        seconds: that a run of a method that samples may take, all included; None: as many as it takes.
    """

    title: str
    cases: Callable[[], Iterator[tuple[OpGraph, Package]]]
    methods: Mapping[str, str] = field(default_factory=lambda: METHODS)
    judge: Callable[[OpGraph, Package], Evaluator] | None = None
    samples: int = SAMPLES
    seconds: float | None = None


def on_ring(*names: str, hardware: str = "mcm36-ring") -> Callable[[], Iterator[tuple[OpGraph, Package]]]:
    """Zoo graphs on a named package, with more SRAM where an op would fit no chip."""

    def cases() -> Iterator[tuple[OpGraph, Package]]:
        for name in names:
            graph, package = load_zoo_graph(name), load_spec(hardware)
            largest = (op_weight_bytes(graph, package) + op_io_bytes(graph, package)).max()
            yield graph, roomy(graph, package) if largest > package.sram_bytes.max() else package

    return cases


def elsewhere() -> Iterator[tuple[OpGraph, Package]]:
    """One test graph on packages of other sizes and kinds than the policy was trained on, or as large."""
    graph = load_zoo_graph("bert-base")
    for chips in (8, 16, 64):
        yield graph, roomy(graph, varied(Variation(chips)))
    yield graph, roomy(graph, varied(Variation(24, slow_chips=12)))
    for name in ("hetero9-mesh", "simba36"):
        yield graph, load_spec(name)


def contended(graph: OpGraph, package: Package) -> Evaluator:
    """A judge that differs from the cost model, in ways that the hints are not told of.

    Every other link is shared and has half its rate, and ops are slower by a factor that depends on their kind.
    """
    slower = {"normalisation": 4.0, "softmax": 4.0, "movement": 2.0, "elementwise": 1.5}
    efficiency = {
        name: dict(shares) | {kind: shares.get(kind, shares.get("default", 1.0)) / by for kind, by in slower.items()}
        for name, shares in package.efficiency.items()
    }
    rate = package.link_bytes_per_us * np.where(np.arange(package.n_links) % 2, 0.5, 1.0)
    return ModelEvaluator(
        ThroughputModel(graph, dataclasses.replace(package, efficiency=efficiency, link_bytes_per_us=rate))
    )


EXPERIMENTS = {
    "annealing": Experiment(
        "Settings of simulated annealing, on validation graphs",
        on_ring("resnet101", "mobilenet-v3-large", "convnext-v2-tiny"),
        ANNEALINGS,
        samples=300,
    ),
    "bert": Experiment("BERT-Large on mcm36-ring", on_ring("bert-large")),
    "test": Experiment("Test graphs on mcm36-ring", on_ring(*TEST_GRAPHS)),
    "five-seconds": Experiment(
        "Zero-shot in 5 s, beside a search of 30 s",
        on_ring("bert-large", *TEST_GRAPHS),
        {
            "greedy": "greedy",
            "zero-shot": "policy:policy=plain",
            "zero-shot from slice": "policy:policy=sliced",
            "zero-shot from long slice": "policy:policy=sliced,start=long-slice,lead=2.5",
            "optimise": "optimise",
        },
        seconds=5.0,
    ),
    "ablation": Experiment("Ablation", on_ring("bert-base", "inception-v3", "nasnet-a-mobile"), ABLATIONS),
    "transfer": Experiment("BERT-base on other packages", elsewhere),
    "order": Experiment(
        "The policy's order of chips in the search, 30 s, on validation graphs",
        on_ring("lstm-ptb-medium", "bilstm-stacked", "gnmt", "efficientnet-b4", hardware="mcm16-ring"),
        {"greedy": "greedy", "optimise": "optimise", "optimise in the policy's order": "ordered"},
    ),
    "judge": Experiment(
        "A judge that the hints do not know",
        on_ring("bert-base", "inception-v3", "unet-plus-plus"),
        METHODS
        | {
            "optimise": "optimise",
            "annealing from optimise": "annealing:start=optimise,lead=30",
            "fine-tuned from optimise": "finetuned:policy=sliced,start=optimise,lead=30",
        },
        contended,
    ),
}


def main() -> None:
    """Runs what is asked for and prints the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.experiments", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="EXPERIMENT", help=f"of {', '.join(EXPERIMENTS)}; all if silent")
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--methods", nargs="*", help="run only these")
    parser.add_argument("--graphs", nargs="*", help="run only on these")
    parser.add_argument("--seconds", type=float, help="end each run of a method that samples after so long")
    parser.add_argument("--called", metavar="NAME", help="what the JSON and the plot are called, if not as EXPERIMENT")
    asked = parser.parse_args()
    if asked.called and len(asked.names) != 1:
        parser.error("--called names the answer of one EXPERIMENT")
    for what, value in machine().items():
        print(f"{what}: {value}")
    for name in asked.names or EXPERIMENTS:
        run(name, asked.samples, range(asked.seeds), asked.methods, asked.graphs, asked.seconds, asked.called)


def run(
    name: str,
    samples: int,
    seeds: range,
    only: Sequence[str] | None = None,
    graphs: Sequence[str] | None = None,
    seconds: float | None = None,
    answer: str | None = None,
) -> None:
    """Runs one experiment as far as it has not been run, and writes what it shows."""
    experiment = EXPERIMENTS[name]
    RESULTS.mkdir(parents=True, exist_ok=True)
    methods = {label: text for label, text in experiment.methods.items() if only is None or label in only}
    kept = RunFile(RESULTS / f"{name}-runs.jsonl")
    toolchain = next(iter(toolchains().values()))
    found: list[Run] = []
    bounds: dict[str, float] = {}
    with Session(toolchain) as session:
        for graph, package in experiment.cases():
            if graphs is not None and graph.name not in graphs:
                continue
            case = Case(graph, package, session)
            if experiment.judge is not None:
                case = dataclasses.replace(case, judge=experiment.judge(graph, package), judge_name=name)
            label = graph.name if name != "transfer" else f"{graph.name} on {package.name}"
            bounds[label] = simple_bound(graph, package).value_us
            for called, text in methods.items():
                method = parse_method(text)
                limit_s = (seconds or experiment.seconds) if method.samples else OPTIMISE_S
                budget = Budget(min(samples, experiment.samples), limit_s)
                for each in run_all([case], {text: method}, seeds, budget, kept):
                    found.append(dataclasses.replace(each, graph=label, method=called))
                    print(
                        f"{label}: {called}, seed {each.seed}: {each.interval_us} µs, {each.seconds:.0f} s", flush=True
                    )
    write(answer or name, experiment, Comparison.of(found, list(seeds), "greedy", bounds))


def write(name: str, experiment: Experiment, comparison: Comparison) -> None:
    """Prints the tables of an experiment and writes them with its plot."""
    rows = comparison.rows()
    shown = ("graph", "method", "interval_us", "speedup", "speedup_low", "speedup_high", "bound/interval", "seconds")
    several = len(comparison.graphs) > 1
    print_table(
        f"{experiment.title}: throughput over greedy's",
        shown,
        [[_cell(row[column]) for column in shown] for row in rows if several or row["graph"] != ALL],
    )
    reached = needed(comparison)
    columns = ("method", *(f"{by:g} x greedy" for by in IMPROVEMENTS), "all of scratch")
    print_table("Median samples to reach it, in how many of the runs", columns, reached)
    answer = {"machine": machine(), "title": experiment.title, "rows": rows, "samples_needed": [columns, *reached]}
    (RESULTS / f"{name}.json").write_text(json.dumps(answer, indent=1, default=float) + "\n", encoding="utf-8")
    unsampled = ("slice", "long slice", "optimise")
    sampling = [line for line in comparison.lines(by_samples=True) if line.label not in unsampled]
    save_plot(
        RESULTS / f"{name}.svg",
        sampling,
        x_label="corrections",
        y_label="throughput over greedy's",
        title=experiment.title,
    )


def needed(comparison: Comparison) -> list[list[Any]]:
    """For each method the median number of samples that its runs need to reach an improvement, and how many did."""
    rows = []
    for method in comparison.methods:
        row: list[Any] = [method]
        for target in (*IMPROVEMENTS, "scratch"):
            counts, runs = [], 0
            for graph in comparison.graphs:
                greedy = comparison.intervals(graph, "greedy")[0]
                for place, seed in enumerate(comparison.seeds):
                    run = comparison.runs.get((graph, method, seed))
                    if run is None or not np.isfinite(greedy):
                        continue
                    goal = greedy / target if isinstance(target, float) else _end_of_scratch(comparison, graph, place)
                    runs += 1
                    counts += (
                        [next(at for at, _, us in run.curve if us <= goal * (1 + 1e-9))] if _reaches(run, goal) else []
                    )
            row.append(f"{np.median(counts):.0f} ({len(counts)} of {runs})" if counts else f"- (0 of {runs})")
        rows.append(row)
    return rows


def _end_of_scratch(comparison: Comparison, graph: str, place: int) -> float:
    if "scratch" not in comparison.methods:
        return 0.0
    return float(comparison.intervals(graph, "scratch")[place])


def _reaches(run: Run, goal: float) -> bool:
    return run.interval_us is not None and run.interval_us <= goal * (1 + 1e-9)


def _cell(value: Any) -> Any:
    return "-" if value is None else value


if __name__ == "__main__":
    main()
