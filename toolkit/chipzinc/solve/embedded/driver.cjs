// The embedded MiniZinc as a command: understands what `minizinc` does, for minizinc-python and for people.
// Knows the command line and the two ways of output; must not know of pools.
"use strict";

const fs = require("node:fs");
const { Engines } = require("./engines.cjs");
const { collect, Refused } = require("./arguments.cjs");

const [distribution, ...words] = process.argv.slice(2);
// MiniZinc stops by itself at its time limit; an engine that has not by then is ended.
const GRACE_MS = 1000;
const WATCH_MS = 500;

const STATUS_LINES = {
  ALL_SOLUTIONS: "==========",
  OPTIMAL_SOLUTION: "==========",
  UNSATISFIABLE: "=====UNSATISFIABLE=====",
  UNBOUNDED: "=====UNBOUNDED=====",
  UNSAT_OR_UNBOUNDED: "=====UNSATorUNBOUNDED=====",
  UNKNOWN: "=====UNKNOWN=====",
  ERROR: "=====ERROR=====",
};
// Answers that are text, not a stream: the engine prints them once it is done.
const TEXTS = ["--version", "--help", "-h", "--solvers", "--solvers-json", "--config-dirs", "--model-types-only"];

// Synchronous writes: each line is out before the next is made, and none is lost when the process ends.
function write(stream, text) {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(fs.writeSync(stream, rest));
    } catch (error) {
      if (error.code === "EPIPE") process.exit(1);
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

function fail(text, json) {
  if (json) write(1, JSON.stringify({ type: "error", what: "configuration error", message: text }) + "\n");
  else write(2, `Error: ${text}\n`);
  process.exit(1);
}

function asText(message) {
  if (message.type === "solution") {
    const sections = Object.values(message.output ?? {});
    const body = sections.map((section) => (typeof section === "string" ? section : JSON.stringify(section, null, 2)));
    write(1, `${body.join("\n").replace(/\n$/, "")}\n----------\n`);
  } else if (message.type === "status") {
    write(1, `${STATUS_LINES[message.status] ?? message.status}\n`);
  } else if (message.type === "statistics") {
    const lines = Object.entries(message.statistics).map(([name, value]) => `%%%mzn-stat: ${name}=${value}\n`);
    write(1, `${lines.join("")}%%%mzn-stat-end\n`);
  } else if (message.type === "error" || message.type === "warning") {
    const at = message.location;
    const place = at ? `${at.filename}:${at.firstLine}.${at.firstColumn}:\n` : "";
    write(2, `${place}${message.what ?? "Warning"}: ${message.message ?? ""}\n`);
  } else if (message.type === "interface") {
    write(1, JSON.stringify(message) + "\n");
  } else {
    asRaw(message);
  }
}

function asRaw(message) {
  if (message.type === "stdout") write(1, message.value);
  else if (message.type === "stderr") write(2, message.value);
  else if (message.type === "comment") write(1, message.comment);
}

function option(...names) {
  const at = words.findIndex((word) => names.includes(word));
  return at >= 0 ? words[at + 1] : undefined;
}

async function main() {
  const json = words.includes("--json-stream");
  const texts = {};
  let args = words.slice();
  const stdin = args.findIndex((word) => word === "-" || word === "--input-from-stdin");
  if (stdin >= 0) {
    texts["/dev/stdin.mzn"] = fs.readFileSync(0, "utf8");
    args[stdin] = "/dev/stdin.mzn";
  }
  let plan;
  try {
    plan = collect(args, process.cwd(), texts);
  } catch (error) {
    if (error instanceof Refused) fail(error.message, json);
    throw error;
  }
  const streamed = json || !words.some((word) => TEXTS.includes(word));
  if (streamed && !plan.args.includes("--json-stream")) plan.args.push("--json-stream");
  let answered = false;
  const engines = new Engines(distribution, 0);
  const job = engines.run(plan, (message) => {
    answered ||= message.type === "solution" || message.type === "status";
    if (json && message.type !== "stdout" && message.type !== "stderr") write(1, JSON.stringify(message) + "\n");
    else if (json) asRaw(message);
    else asText(message);
  });
  const limit = Number(option("--time-limit", "--solver-time-limit") ?? 0);
  let late = false;
  if (limit > 0) setTimeout(() => ((late = true), job.cancel()), limit + GRACE_MS).unref();
  const exit = await job.done;
  if (late && !answered) {
    if (json) write(1, '{"type": "status", "status": "UNKNOWN"}\n');
    else write(1, `${STATUS_LINES.UNKNOWN}\n`);
  }
  for (const [name, text] of Object.entries(exit.outputFiles ?? {})) {
    if (text !== null && (exit.code === 0 || text !== "")) fs.writeFileSync(name, text);
  }
  if (exit.stdout) write(1, exit.stdout);
  if (exit.stderr) write(2, exit.stderr);
  if (exit.code < 0 && !late) fail(exit.message ?? "the engine broke", json);
  process.exit(late ? 0 : exit.code);
}

// A parent that was killed can send no signal: end when another process has adopted this one.
const parent = process.ppid;
setInterval(() => process.ppid !== parent && process.exit(1), WATCH_MS).unref();
main();
