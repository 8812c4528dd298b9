// A process that keeps MiniZinc engines warm for one client: one JSON job a line on stdin, one JSON message a line on
// stdout. It lives as long as its stdin: when the client is gone, however it went, every engine goes with the process.
//
// In:  {"id": 1, "args": [...], "texts": {path: text}}   start a job     {"id": 1, "cancel": true}   end it at once
//      {"id": 1, "keep": path}   write what was compiled so far to a file
// Out: {"id": 1, "message": {...}}   what MiniZinc says                  {"id": 1, "exit": {...}}    the job's last word
"use strict";

const readline = require("node:readline");
const { Engines } = require("./engines.cjs");
const { collect, Refused } = require("./arguments.cjs");

const [distribution, spare, code] = process.argv.slice(2);
const engines = new Engines(distribution, Number(spare), code);
const running = new Map();

function say(message) {
  process.stdout.write(JSON.stringify(message) + "\n");
}

function start({ id, args, texts }) {
  let plan;
  try {
    plan = collect(args, process.cwd(), texts);
  } catch (error) {
    const refused = error instanceof Refused;
    say({ id, exit: { code: -1, message: error.message, refused } });
    return;
  }
  const job = engines.run(plan, (message) => say({ id, message }));
  running.set(id, job);
  job.done.then((exit) => {
    running.delete(id);
    say({ id, exit });
  });
}

function keep(id, file) {
  const failed = (error) => say({ id, exit: { code: -1, message: error.message } });
  engines.keep(file).then(() => say({ id, exit: { code: 0 } }), failed);
}

// SIGKILL, not exit: engines in a tight loop need not be asked.
const end = () => process.kill(process.pid, "SIGKILL");
process.stdout.on("error", end);

const lines = readline.createInterface({ input: process.stdin, crlfDelay: Infinity });
lines.on("line", (line) => {
  const request = JSON.parse(line);
  if (request.cancel) running.get(request.id)?.cancel();
  else if (request.keep) keep(request.id, request.keep);
  else start(request);
});
lines.on("close", end);
