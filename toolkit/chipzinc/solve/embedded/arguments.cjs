// Reads MiniZinc's command line: which files of this machine a run reads (includes followed) and which it writes, since
// the engine sees no disk. Must not know how a run is carried out.
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const INPUTS = new Set([".mzn", ".dzn", ".json", ".fzn", ".mzc", ".mpc", ".msc", ".ozn"]);
// Options whose next word is a file that is read, a folder that is searched, or a file that is written.
const READS = new Set(["-m", "--model", "-d", "--data", "--solver", "--param-file", "--ozn-file", "--checker"]);
const FOLDERS = new Set(["-I", "--search-dir"]);
const WRITES = new Set([
  "--fzn", "--output-fzn-to-file", "--flatzinc-output", "--ozn", "--output-ozn-to-file", "-o", "--output-to-file",
  "--output-paths-to-file", "--paths", "--mzn", "--output-mzn-to-file",
]); // prettier-ignore
const BASE = new Set(["--output-base"]);
// An engine has one thread; asked for more, Gecode waits for ever.
const THREADS = new Set(["-p", "--parallel"]);

class Refused extends Error {}

// Returns {args, files: {absolute path: text}, outputs: [absolute path]}; `texts` are files that exist in memory only.
function collect(args, folder, texts = {}) {
  const plan = { args: [], files: {}, outputs: [], models: [], searched: [], folder, texts };
  for (let i = 0; i < args.length; i++) {
    const word = args[i];
    const equals = word.startsWith("--") ? word.indexOf("=") : -1;
    const option = equals > 0 ? word.slice(0, equals) : word;
    if (THREADS.has(option)) {
      if (equals < 0) i++;
    } else if ((READS.has(option) || FOLDERS.has(option) || WRITES.has(option) || BASE.has(option)) && (equals > 0 || i + 1 < args.length)) {
      const value = equals > 0 ? word.slice(equals + 1) : args[++i];
      plan.args.push(option, place(plan, option, value));
    } else if (word.startsWith("-I") && word.length > 2) {
      plan.args.push("-I", place(plan, "-I", word.slice(2)));
    } else if (!word.startsWith("-") && INPUTS.has(path.extname(word))) {
      plan.args.push(read(plan, word));
    } else {
      plan.args.push(word);
    }
  }
  defaultOutputs(plan);
  for (const model of plan.models) follow(plan, model);
  // MiniZinc creates no folders; an empty file makes the engine create those of each output.
  for (const output of plan.outputs) plan.files[output] = "";
  return { args: plan.args, files: plan.files, outputs: plan.outputs };
}

function place(plan, option, value) {
  const absolute = path.resolve(plan.folder, value);
  if (FOLDERS.has(option)) {
    plan.searched.push(absolute);
    // An engine refuses a folder that does not exist; one without files in use would not be created.
    plan.files[path.join(absolute, ".searched")] = "";
    return absolute;
  }
  if (WRITES.has(option)) {
    plan.outputs.push(absolute);
    return absolute;
  }
  if (BASE.has(option)) {
    plan.base = absolute;
    return absolute;
  }
  if (option === "--solver" && path.extname(value) !== ".msc") return value;
  return read(plan, value);
}

function text(plan, absolute) {
  if (Object.hasOwn(plan.texts, absolute)) return plan.texts[absolute];
  try {
    return fs.readFileSync(absolute, "utf8");
  } catch {
    return null; // MiniZinc then reports the missing file in its own words, with the place that names it.
  }
}

function read(plan, name) {
  const absolute = path.resolve(plan.folder, name);
  if (Object.hasOwn(plan.files, absolute)) return absolute;
  const content = text(plan, absolute);
  if (content === null) return absolute;
  plan.files[absolute] = content;
  const kind = path.extname(absolute);
  if (kind === ".mzn") plan.models.push(absolute);
  if (kind === ".msc") refuseExecutable(absolute, content);
  if (kind === ".mpc") parameterFile(plan, absolute, content);
  return absolute;
}

// A parameter file may name models, data and solver configurations, relative to itself.
function parameterFile(plan, absolute, content) {
  let values;
  try {
    values = Object.values(JSON.parse(content)).flat();
  } catch {
    return;
  }
  const beside = { ...plan, folder: path.dirname(absolute) };
  for (const value of values) {
    if (typeof value === "string" && INPUTS.has(path.extname(value))) read(beside, value);
  }
}

function refuseExecutable(absolute, content) {
  let configuration = {};
  try {
    configuration = JSON.parse(content);
  } catch {
    return;
  }
  if (configuration.executable) {
    throw new Refused(
      `${absolute}: the solver runs an executable, which the embedded MiniZinc cannot start; install a native MiniZinc`,
    );
  }
}

// The names of the files of a compile-only run that names none: those of its model.
function defaultOutputs(plan) {
  if (!plan.args.includes("-c") && !plan.args.includes("--compile")) return;
  const model = plan.models[0];
  const base = plan.base ?? (model ? model.replace(/\.mzn$/, "") : null);
  if (base === null) return;
  const named = (options) => plan.args.some((word) => options.includes(word));
  if (!named(["--fzn", "--output-fzn-to-file", "-o", "--output-to-file", "--output-fzn-to-stdout"])) {
    plan.outputs.push(`${base}.fzn`);
  }
  if (!named(["--ozn", "--output-ozn-to-file", "--no-output-ozn", "--output-ozn-to-stdout"])) {
    plan.outputs.push(`${base}.ozn`);
  }
}

// Add every file that a model includes, directly or not; names of MiniZinc's own library are found in the engine.
function follow(plan, model) {
  const todo = [model];
  const seen = new Set();
  while (todo.length > 0) {
    const includer = todo.pop();
    if (seen.has(includer)) continue;
    seen.add(includer);
    const content = plan.files[includer] ?? text(plan, includer);
    if (content === null) continue;
    plan.files[includer] = content;
    for (const name of includes(content)) {
      const places = path.isAbsolute(name) ? [name] : [path.dirname(includer), ...plan.searched].map((at) => path.join(at, name));
      const found = places.find((place) => text(plan, place) !== null);
      if (found) todo.push(found);
    }
  }
}

// The names in include items; strings and comments are skipped, so that a commented include is none.
function* includes(content) {
  const token = /%[^\n]*|\/\*[\s\S]*?\*\/|\binclude\s*"((?:[^"\\]|\\.)*)"|"(?:[^"\\]|\\.)*"/g;
  for (const match of content.matchAll(token)) {
    if (match[1] !== undefined) yield match[1].replace(/\\(.)/g, "$1");
  }
}

module.exports = { collect, Refused };
