"""Makes the model zoo anew, offline: every graph of the catalogue, and the table of them all.

python models/make_zoo.py                 all graphs, and the table
python models/make_zoo.py resnet50 gnmt   these graphs, and their rows of the table
python models/make_zoo.py --check [...]   writes nothing; fails where a graph differs from the table
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from catalogue import LICENCE, Recipe, recipes

from chipzinc.graph.io import graph_sha256, save_graph
from chipzinc.graph.opgraph import OpGraph
from chipzinc.graph.zoo import ZooEntry, graph_path, read_zoo_index, write_zoo_index

GRAPHS = Path(__file__).parent / "graphs"


def make(recipe: Recipe) -> tuple[OpGraph, ZooEntry]:
    """The graph of a recipe, and its row of the table."""
    graph = recipe.road.graph(recipe.name, recipe.source)
    entry = ZooEntry(
        name=recipe.name,
        family=recipe.family,
        split=recipe.split,
        ops=graph.n_ops,
        edges=len(graph.edges),
        flops=round(graph.op_flops.sum()),
        weights=int(graph.weight_elements.sum()),
        source=recipe.source,
        licence=LICENCE,
        sha256=graph_sha256(graph),
    )
    return graph, entry


def main(arguments: list[str]) -> int:
    """Makes or checks the graphs; returns the exit code."""
    parser = argparse.ArgumentParser(description="Makes the model zoo anew, offline.")
    parser.add_argument("names", nargs="*", help="graphs to make; all if none is named")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a graph differs from the table")
    options = parser.parse_args(arguments)
    everything = list(recipes())
    unknown = set(options.names) - {recipe.name for recipe in everything}
    if unknown:
        parser.error(f"the catalogue has no {', '.join(sorted(unknown))}")
    table = {entry.name: entry for entry in read_zoo_index(GRAPHS)}
    differing = []
    for recipe in everything:
        if options.names and recipe.name not in options.names:
            continue
        graph, entry = make(recipe)
        same = table.get(recipe.name) == entry and graph_path(GRAPHS, recipe.name).is_file()
        print(f"{recipe.name:24} {entry.ops:6} ops {entry.edges:6} edges  {'same' if same else 'differs'}", flush=True)
        if same:
            continue
        differing.append(recipe.name)
        if not options.check:
            save_graph(graph, graph_path(GRAPHS, recipe.name))
            table[recipe.name] = entry
            write_zoo_index(GRAPHS, [table[other.name] for other in everything if other.name in table])
    return 1 if options.check and differing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
