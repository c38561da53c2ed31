// component_type.mjs PACKAGES WIT VERSION OBJECT: writes an object file that carries the world of a
// WIT file to the component linker, the way generated bindings do. VERSION replaces that word in
// the file. jco is taken from PACKAGES.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';

const [, , packages, wit, version, object] = process.argv;
const { componentEmbed } = await import(pathToFileURL(
    createRequire(packages).resolve('@bytecodealliance/jco-transpile/wasm-tools')));

const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const module = await componentEmbed({
    binary: new Uint8Array(header),
    witSource: readFileSync(wit, 'utf8').replaceAll('VERSION', version),
});

const leb128 = value => {
    const bytes = [];
    for (; value >= 0x80; value >>= 7) bytes.push((value & 0x7f) | 0x80);
    return [...bytes, value];
};
const customSection = (name, content) => {
    const body = [...leb128(name.length), ...new TextEncoder().encode(name), ...content];
    return [0, ...leb128(body.length), ...body];
};
// "linking" makes it an object file: version 2, no symbols
const sections = [customSection('linking', [2])];
for (const type of WebAssembly.Module.customSections(new WebAssembly.Module(module),
                                                     'component-type'))
    sections.push(customSection(`component-type:${basename(wit)}`, new Uint8Array(type)));
writeFileSync(object, new Uint8Array([...header, ...sections.flat()]));
process.exit(0);
