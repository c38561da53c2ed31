// component-new.mjs MODULE COMPONENT: wraps a linked core module that carries its component type.
import { readFileSync, writeFileSync } from 'node:fs';
import { componentNew } from '@bytecodealliance/jco-transpile/wasm-tools';

const [, , module, component] = process.argv;
writeFileSync(component, await componentNew(readFileSync(module), []), { mode: 0o755 });
process.exit(0); // the worker threads of jco would keep the process
