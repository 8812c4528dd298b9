"""`chipzinc import`, `chipzinc bound` and `chipzinc render`: what needs a graph and no solver."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from chipzinc.cli import options
from chipzinc.cli.inputs import check_files, load_inputs, parse_time_limit
from chipzinc.cli.output import Progress, print_json, print_table
from chipzinc.wording import format_bytes


def import_graph(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="An .onnx or .pt2 file, a Hugging Face config.json, a placement JSON, or a name from the model zoo.",
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="GRAPH", help="Write the graph file here.")],
    fix_shape: options.FixShape = None,
    level: Annotated[
        Literal["ops", "modules"],
        typer.Option("--level", help="Cut a torch program into core ATen ops, or keep linear and attention whole."),
    ] = "ops",
    as_json: options.Json = False,
) -> None:
    """Turn a model into a graph file."""
    from chipzinc.graph.io import graph_sha256, save_graph
    from chipzinc.graph.load import load_graph, parse_fix_shapes

    check_files(output)
    with Progress() as progress:
        progress(f"importing {source}")
        graph = load_graph(source, fix_shapes=parse_fix_shapes(fix_shape or ()), level=level).graph
        save_graph(graph, output)
    weight_bytes = int((graph.weight_elements * graph.weight_bits).sum()) // 8
    unknown = [name for name, kind in zip(graph.op_names, graph.op_kinds, strict=True) if kind == "custom"]
    answer = {
        "name": graph.name,
        "output": str(output),
        "sha256": graph_sha256(graph),
        "ops": graph.n_ops,
        "free_ops": int(graph.op_free.sum()),
        "replicated": len(graph.replicated),
        "tensors": graph.n_tensors,
        "edges": len(graph.edges),
        "gflops": float(graph.op_flops.sum()) / 1e9,
        "weight_bytes": weight_bytes,
        "unknown_kinds": unknown,
    }
    if as_json:
        print_json(answer)
        return
    print(
        f"{graph.name}: {graph.n_ops} ops ({answer['free_ops']} free, {answer['replicated']} replicated besides), "
        f"{answer['edges']} edges, {answer['gflops']:.3f} Gflop, {format_bytes(weight_bytes)} of weights"
    )
    if unknown:
        print(f"Taken for one operation an output element, since the kind is unknown: {', '.join(unknown)}")
    print(f"Written to {output}")


def bound(
    graph: options.Graph,
    hardware: options.Hardware = None,
    fix_shape: options.FixShape = None,
    time_limit: options.TimeLimit = "60s",
    as_json: options.Json = False,
) -> None:
    """Prove lower bounds on the interval of every partition that keeps the hard rules."""
    from chipzinc.bounds.prove import best_bound, prove

    limit_s = parse_time_limit(time_limit)
    found = []
    with Progress() as progress:
        progress(f"importing {graph}")
        inputs = load_inputs(graph, hardware, fix_shape)
        progress("proving bounds")
        for proven in prove(inputs.graph, inputs.package, time_limit_s=limit_s):
            found.append(proven)
            progress(f"proving bounds; so far {best_bound(found).value_us:.6g} µs")
    best = best_bound(found)
    listed = [{"name": each.name, "value_us": each.value_us, "seconds": each.seconds} for each in found]
    if as_json:
        print_json({"bound_us": best.value_us, "bound": best.name, "seconds": best.seconds, "bounds": listed})
        return
    print_table(
        ["bound", "µs", "seconds"], [[each.name, f"{each.value_us:.6g}", f"{each.seconds:.2f}"] for each in found]
    )
    print(
        f"No partition of {inputs.graph.name} on {inputs.package.name} has an interval below "
        f"{best.value_us:.6g} µs ({best.name})."
    )


def render(
    graph: options.Graph,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Write the model into this folder.")],
    hardware: options.Hardware = None,
    fix_shape: options.FixShape = None,
    solver: options.Solver = "chuffed",
    by_op: Annotated[
        bool, typer.Option("--by-op", help="Give every op a variable of its own, not every group.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Write the MiniZinc model, its data and an .mpc that plain minizinc and its IDE run."""
    from chipzinc.grouping import group_ops
    from chipzinc.render.project import render_project
    from chipzinc.rules.catalogue import selected_rules
    from chipzinc.solve.toolchain import is_found

    with Progress() as progress:
        progress(f"importing {graph}")
        inputs = load_inputs(graph, hardware, fix_shape)
        progress("rendering")
        rules = selected_rules(inputs.package)
        groups = None if by_op else group_ops(inputs.graph, inputs.package).group_of
        files = render_project(inputs.graph, inputs.package, rules, output, group_of=groups, solver=solver)
        found = is_found(solver)
    if as_json:
        print_json({"directory": output, "files": files, "rules": [rule.name for rule in rules], "solver_found": found})
        return
    for file in files:
        print(file)
    if not found:
        print(f"No MiniZinc found here has the solver '{solver}', which partition.mpc names.")
    print(f"Run it: minizinc {output / 'partition.mpc'} {output / 'partition.mzn'} {output / 'partition.json'}")
