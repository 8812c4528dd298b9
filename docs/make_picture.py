"""Makes docs/partition.svg, the picture in the README: the terminal after `chipzinc partition`, as it really is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

COMMAND = ["partition", "bert-large", "--hw", "mcm36-ring"]
PICTURE = Path(__file__).with_name("partition.svg")

# rich's own template loads a font from elsewhere; this one takes what the reader has.
TEMPLATE = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace; font-size: {char_height}px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
<rect width="{width}" height="{height}" rx="8" fill="#292929" />
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix" xml:space="preserve">
{matrix}
</g>
</g>
</svg>
"""


def main() -> None:
    """Runs the command and draws what it printed."""
    ran = subprocess.run([sys.executable, "-m", "chipzinc", *COMMAND], check=True, capture_output=True, text=True)
    lines = [line.rstrip() for line in ran.stdout.rstrip().splitlines()]
    text = "\n".join([f"$ chipzinc {' '.join(COMMAND)}", *lines, ""])
    console = Console(record=True, width=max(map(len, text.splitlines())), file=sys.stdout)
    console.print(Text(text), soft_wrap=True)
    PICTURE.write_text(console.export_svg(title="", code_format=TEMPLATE, unique_id="chipzinc"), encoding="utf-8")


if __name__ == "__main__":
    main()
