// Calls that may throw, kept inside WebAssembly.
//
// The package was compiled so that each C++ call that may throw leaves for JavaScript, which calls back under try/catch:
// a quarter of the compiler's time goes there. Here the same guard is made of WebAssembly's own exception handling, in
// two small modules written byte by byte. `doors` stands in for those imports when the engine is instantiated, and
// jumps through a table of its own; `guards` can only exist once the engine does, since it calls through the engine's
// table, and then fills that table. Must not know MiniZinc: it knows the shapes of such imports.
"use strict";

const I32 = 0x7f, EXTERNREF = 0x6f, EMPTY = 0x40; // prettier-ignore
const SECTION = { type: 1, import: 2, function: 3, table: 4, tag: 13, export: 7, code: 10 };
const FUNCTION = 0, TABLE = 1, TAG = 4; // prettier-ignore

// What a guard in JavaScript looks like once minified: save the stack, try, restore it and note the throw.
const GUARD = /^function\([\w,$]*\)\{var \w+=\w+\(\);try\{(return )?\w+\(e\)\(/;

function unsigned(value) {
  const bytes = [];
  do {
    const low = value & 0x7f;
    value >>>= 7;
    bytes.push(value ? low | 0x80 : low);
  } while (value);
  return bytes;
}

const vector = (items) => [...unsigned(items.length), ...items.flat()];
const text = (name) => vector([...Buffer.from(name)].map((byte) => [byte]));
const section = (id, items) => {
  const body = vector(items);
  return [id, ...unsigned(body.length), ...body];
};
const type = ({ params, results }) => [0x60, ...vector(params.map((each) => [each])), ...vector(results.map((each) => [each]))];
const body = (locals, code) => {
  const bytes = [...vector(locals.map((each) => [1, each])), ...code, 0x0b];
  return [...unsigned(bytes.length), ...bytes];
};
const assemble = (sections) => new WebAssembly.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()]));

const get = (local) => [0x20, ...unsigned(local)];
const set = (local) => [0x21, ...unsigned(local)];
const call = (index) => [0x10, ...unsigned(index)];
const callIndirect = (typeIndex) => [0x11, ...unsigned(typeIndex), 0];
const constant = (value) => [0x41, value];
// The result of a call that threw; nobody reads it.
const ZEROS = { 0x7f: [0x41, 0], 0x7e: [0x42, 0], 0x7d: [0x43, 0, 0, 0, 0], 0x7c: [0x44, 0, 0, 0, 0, 0, 0, 0, 0] };

// One exported function for each signature, which calls the function in the table's slot of the same number.
function doors(signatures) {
  const codes = signatures.map(({ params }, slot) =>
    body([], [...params.flatMap((_, local) => get(local)), ...[0x41, ...signed(slot)], ...callIndirect(slot)]),
  );
  return assemble([
    section(SECTION.type, signatures.map(type)),
    section(SECTION.function, signatures.map((_, index) => unsigned(index))),
    section(SECTION.table, [[0x70, 0, ...unsigned(signatures.length)]]),
    section(SECTION.export, [
      [...text("slots"), TABLE, 0],
      ...signatures.map((_, index) => [...text(`${index}`), FUNCTION, ...unsigned(index)]),
    ]),
    section(SECTION.code, codes),
  ]);
}

function signed(value) {
  // Slots are few: one byte holds up to 63, two bytes the rest.
  return value < 64 ? [value] : [(value & 0x7f) | 0x80, value >> 7];
}

// One exported function for each signature: calls the engine's function whose number comes first, under a guard.
function guards(signatures) {
  const inner = signatures.map(({ params, results }) => ({ params: params.slice(1), results }));
  const helpers = [
    { params: [], results: [I32] }, // save
    { params: [I32], results: [] }, // restore
    { params: [I32, I32], results: [] }, // note the throw
    { params: [EXTERNREF], results: [I32] }, // is it the program's own exception?
    { params: [EXTERNREF], results: [] }, // the tag of JavaScript's exceptions
  ];
  const first = signatures.length * 2;
  const [SAVE, RESTORE, NOTE, OWN] = [0, 1, 2, 3];
  const codes = signatures.map(({ params, results }, index) => {
    const stack = params.length, thrown = stack + 1; // prettier-ignore
    return body([I32, EXTERNREF], [
      ...call(SAVE), ...set(stack),
      0x06, results[0] ?? EMPTY, // try
      ...params.slice(1).flatMap((_, local) => get(local + 1)), ...get(0), ...callIndirect(signatures.length + index),
      0x07, 0, // catch
      ...set(thrown), ...get(stack), ...call(RESTORE),
      ...get(thrown), ...call(OWN), 0x45, 0x04, EMPTY, ...get(thrown), 0x08, 0, 0x0b, // if not: throw it on
      ...constant(1), ...constant(0), ...call(NOTE),
      ...results.flatMap((each) => ZEROS[each]),
      0x0b,
    ]); // prettier-ignore
  });
  const imported = (name, kind, ...description) => [...text("e"), ...text(name), kind, ...description];
  return assemble([
    section(SECTION.type, [...signatures, ...inner, ...helpers].map(type)),
    section(SECTION.import, [
      ...["save", "restore", "note", "own"].map((name, at) => imported(name, FUNCTION, ...unsigned(first + at))),
      imported("table", TABLE, 0x70, 0, 0),
      imported("tag", TAG, 0, ...unsigned(first + 4)),
    ]),
    section(SECTION.function, signatures.map((_, index) => unsigned(index))),
    section(SECTION.export, signatures.map((_, index) => [...text(`${index}`), FUNCTION, ...unsigned(index + 4)])),
    section(SECTION.code, codes),
  ]);
}

// The signatures of a module's imported functions, read from its bytes: {name: {params, results}}.
function importedSignatures(bytes) {
  let at = 8;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const list = (read) => Array.from({ length: number() }, read);
  const name = () => {
    const length = number();
    at += length;
    return Buffer.from(bytes.subarray(at - length, at)).toString();
  };
  let types = [];
  const found = {};
  for (;;) {
    const id = bytes[at++];
    const end = number() + at;
    if (id === SECTION.type) {
      types = list(() => (at++, { params: list(() => bytes[at++]), results: list(() => bytes[at++]) }));
    } else if (id === SECTION.import) {
      list(() => {
        name();
        const field = name();
        if (bytes[at++] !== FUNCTION) throw new Error("the engine imports more than functions");
        found[field] = types[number()];
      });
      return found;
    }
    at = end;
  }
}

// Instantiate an engine's module with guards in place of its imports in JavaScript, where this Node.js can.
async function instantiate(module, imports, signatures, names) {
  if (WebAssembly.JSTag === undefined) return WebAssembly.instantiate(module, imports);
  const guarded = Object.keys(imports.a).filter((key) => GUARD.test(Function.prototype.toString.call(imports.a[key])));
  if (guarded.length === 0) throw new Error("the package's guards look different; it is not the pinned version");
  const shapes = guarded.map((key) => signatures[key]);
  const front = new WebAssembly.Instance(doors(shapes)).exports;
  const replaced = Object.fromEntries(guarded.map((key, slot) => [key, front[slot]]));
  const instance = await WebAssembly.instantiate(module, { ...imports, a: { ...imports.a, ...replaced } });
  const engine = instance.exports;
  const behind = new WebAssembly.Instance(guards(shapes), {
    e: {
      save: engine[names.save],
      restore: engine[names.restore],
      note: engine[names.note],
      own: (thrown) => (typeof thrown === "object" && thrown !== null && "excPtr" in thrown ? 1 : 0),
      table: engine[names.table],
      tag: WebAssembly.JSTag,
    },
  }).exports;
  guarded.forEach((_, slot) => front.slots.set(slot, behind[slot]));
  return instance;
}

module.exports = { importedSignatures, instantiate };
