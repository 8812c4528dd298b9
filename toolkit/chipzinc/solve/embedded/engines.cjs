// Starts engines (worker threads that each hold one MiniZinc) from one compiled module, and runs one job in each.
// Must not know where jobs come from: the pool and the command-line driver both use it.
"use strict";

const { Worker } = require("node:worker_threads");
const fs = require("node:fs");
const path = require("node:path");
const compiled = require("./compiled.cjs");
const { importedSignatures } = require("./guards.cjs");

class Engines {
  // `spare` engines are kept started ahead of the jobs, so that a job need not wait for one; `code` is a file of
  // compiled code, which need not exist.
  constructor(distribution, spare, code = compiled.place(distribution)) {
    this.spare = spare;
    this.idle = [];
    this.workerFile = path.join(distribution, "minizinc-worker.js");
    this.library = new Uint8Array(fs.readFileSync(path.join(distribution, "minizinc.data")));
    const wasm = fs.readFileSync(path.join(distribution, "minizinc.wasm"));
    this.signatures = importedSignatures(wasm);
    const kept = compiled.restore(code, wasm);
    this.wasmModule = kept ? Promise.resolve(kept) : WebAssembly.compile(wasm);
    this.refill();
  }

  refill() {
    while (this.idle.length < this.spare) this.idle.push(this.start());
  }

  start() {
    const engine = { worker: null, ready: null };
    engine.ready = this.wasmModule.then(
      (wasmModule) =>
        new Promise((resolve, reject) => {
          const { workerFile, library, signatures } = this;
          const worker = new Worker(path.join(__dirname, "engine.cjs"), {
            workerData: { workerFile, library, wasmModule, signatures },
            // The solvers recurse; the default stack of a thread is smaller than that of a process.
            resourceLimits: { stackSizeMb: 64 },
            stdout: true,
            stderr: true,
          });
          engine.worker = worker;
          worker.once("message", () => resolve(worker));
          worker.once("error", reject);
          worker.once("exit", (code) => reject(new Error(`an engine ended with code ${code} before its work`)));
          worker.postMessage({ wasmURL: "minizinc.wasm", dataURL: "minizinc.data" });
        }),
    );
    engine.ready.catch(() => {});
    return engine;
  }

  // Write what was compiled so far to a file.
  async keep(file) {
    compiled.keep(file, await this.wasmModule);
  }

  // Run one job; `onMessage` gets what MiniZinc says. Returns {done, cancel}; done resolves with the exit message and
  // never rejects: an engine that breaks exits with code -1 and says why.
  run({ args, files, outputs }, onMessage) {
    const engine = this.idle.shift() ?? this.start();
    let finish;
    let open = true;
    const done = new Promise((resolve) => {
      finish = (exit) => {
        if (!open) return;
        open = false;
        if (engine.worker) engine.worker.terminate();
        resolve(exit);
        // Only now, so that the spare engine does not take the processor from the job.
        setImmediate(() => this.refill());
      };
    });
    const broken = (error) => finish({ type: "exit", code: -1, message: error.message });
    engine.ready.then((worker) => {
      if (!open) {
        worker.terminate();
        return;
      }
      worker.on("message", (message) => {
        if (!open) return;
        if (message.type === "exit") finish(message);
        else onMessage(message);
      });
      worker.on("error", broken);
      worker.on("exit", (code) => broken(new Error(`the engine ended with code ${code}`)));
      const json = args.includes("--json-stream");
      worker.postMessage({
        jsonStream: json,
        args: args.filter((argument) => argument !== "--json-stream"),
        files: Object.fromEntries(Object.entries(files).map(([name, text]) => [`..${name}`, text])),
        outputFiles: outputs.map((name) => `..${name}`),
      });
    }, broken);
    const cancel = () => finish({ type: "exit", code: -1, message: "cancelled" });
    return { done: done.then(plainNames), cancel };
  }
}

// Undo the prefix that let output files lie outside the engine's working folder.
function plainNames(exit) {
  if (!exit.outputFiles) return exit;
  const entries = Object.entries(exit.outputFiles).map(([name, text]) => [name.slice(2), text]);
  return { ...exit, outputFiles: Object.fromEntries(entries) };
}

module.exports = { Engines };
