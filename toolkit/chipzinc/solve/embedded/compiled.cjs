// Keeps what V8 made of the WebAssembly module on disk, so that the processes to come need not compile it again: a first
// run spends half of its time on that. V8 offers this to embedders alone; its functions for tests, which any Node.js
// has, do the same. They refuse what another version, other flags or another processor made.
"use strict";

const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const v8 = require("node:v8");

const DIGEST_BYTES = 32;
// One file for each build of Node.js, since several may share the folder and V8 knows its own version alone.
const place = (distribution) => path.join(distribution, `${process.version}-${process.arch}-${build()}.compiled`);
const build = () => digest(JSON.stringify([process.versions, process.config])).toString("hex").slice(0, 12);
const digest = (code) => crypto.createHash("sha256").update(code).digest();

function native(name, ...parameters) {
  v8.setFlagsFromString("--allow-natives-syntax");
  return new Function(...parameters, `return %${name}(${parameters.join(", ")})`);
}

// The module with the code kept in a file for it, or undefined where there is none that fits.
function restore(file, wasm) {
  try {
    const kept = fs.readFileSync(file);
    const code = kept.subarray(DIGEST_BYTES);
    if (!digest(code).equals(kept.subarray(0, DIGEST_BYTES))) return undefined;
    return native("DeserializeWasmModule", "code", "wasm")(own(code), new Uint8Array(own(wasm)));
  } catch {
    return undefined;
  }
}

// Writes the code of a module that has been in use: the functions that V8 found worth optimising.
function keep(file, wasmModule) {
  const code = Buffer.from(native("SerializeWasmModule", "wasmModule")(wasmModule));
  fs.writeFileSync(file, Buffer.concat([digest(code), code]));
}

// A buffer's bytes in an ArrayBuffer of their own.
function own(buffer) {
  return buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength);
}

module.exports = { keep, place, restore };
