// One MiniZinc in WebAssembly, in a worker thread: gives the package's browser worker file the surroundings it expects.
// Knows nothing of requests, pools or command lines. An engine runs once: Chuffed keeps global state, and a second run
// in the same instance was seen to return wrong solutions.
"use strict";

const { parentPort, workerData } = require("node:worker_threads");
const fs = require("node:fs");
const vm = require("node:vm");

const { instantiate } = require("./guards.cjs");

const { workerFile, library, wasmModule, signatures } = workerData;
// What this version of the package calls the exports that guards need; its minifier chose the names.
const NAMES = { save: "xb", restore: "vb", note: "tb", table: "nb" };

// The package's own loader tells Node by `process` and would then ask for `require`, which a browser script has not.
Object.defineProperty(globalThis, "process", { value: undefined, configurable: true, writable: true });
globalThis.WorkerGlobalScope = class WorkerGlobalScope {};
globalThis.self = globalThis;
globalThis.location = { href: "file:///minizinc-worker.js", pathname: "/minizinc-worker.js" };

// File names are joined to a URL and read back from its href: left alone, a space would come back as %20. Keeping the
// text as it is also lets a name climb out of the engine's working folder, so that host paths mean the same inside.
globalThis.URL = class URL {
  constructor(text) {
    this.href = String(text);
  }
};

// Asked for twice: the compiled module is shared by all engines of a process, the library is read from memory.
globalThis.fetch = async () => {
  const chunks = [library];
  return {
    ok: true,
    headers: { get: () => String(library.byteLength) },
    body: { getReader: () => ({ read: async () => ({ done: chunks.length === 0, value: chunks.pop() }) }) },
  };
};
WebAssembly.instantiateStreaming = async (_source, imports) => ({
  module: wasmModule,
  instance: await instantiate(wasmModule, imports, signatures, NAMES),
});

globalThis.addEventListener = (kind, listener) => parentPort.on(kind, (data) => listener({ data }));
globalThis.postMessage = (message) => parentPort.postMessage(message);
// What the package logs about a run that broke arrives as the exit's message too; stderr belongs to the solver.
globalThis.console = { ...globalThis.console, error: () => {}, log: () => {} };

vm.runInThisContext(fs.readFileSync(workerFile, "utf8"), { filename: workerFile });
