// Runs a WASI 0.2 command component in Node, through jco's transpiler and its WASI for Node.
//
// usage: run.mjs TOOLS [--dir DIR]... COMPONENT ARGS...
//        run.mjs TOOLS --print-host
//
// TOOLS is the tool cache; what was transpiled is kept there. The exit code is the program's own; a
// trap prints its stack and gives 134, as other hosts do.
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';

const oldestNode = 20;
const trapped = 134; // what a shell reports for SIGABRT
const keep = 100; // transpiled components, the last used ones
const format = 1; // of the cache

const [tools, ...args] = process.argv.slice(2);
const cache = join(tools, 'jco-cache');
const packages = createRequire(join(tools, 'jco', 'run.mjs'));

function die(why) {
    process.stderr.write(`run: ${why}\n`);
    process.exit(1);
}

const load = name => import(pathToFileURL(packages.resolve(`@bytecodealliance/${name}`)));

/** The transpiled component as a folder, from the cache if the same bytes were seen before. */
async function transpiled(path, version) {
    const component = await readFile(path);
    const hash = createHash('sha256').update(`${format} ${version}\n`).update(component);
    const folder = join(cache, hash.digest('hex'));
    const now = new Date();
    try {
        await utimes(folder, now, now);
        return folder;
    } catch {
        // not there yet
    }
    const { transpileBytes } = await load('jco-transpile');
    const { files } = await transpileBytes(component, {
        name: 'component',
        instantiation: 'async',
        emitTypescriptDeclarations: false,
    });
    const work = `${folder}.${process.pid}`;
    await mkdir(work, { recursive: true });
    await writeFile(join(work, 'package.json'), '{"type": "module"}\n');
    for (const [name, content] of Object.entries(files)) await writeFile(join(work, name), content);
    try {
        await rename(work, folder);
    } catch {
        await rm(work, { recursive: true }); // another run was first
    }
    await prune();
    return folder;
}

async function prune() {
    const entries = [];
    for (const name of await readdir(cache)) {
        const path = join(cache, name);
        const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
        entries.push({ path, mtimeMs });
    }
    entries.sort((a, b) => b.mtimeMs - a.mtimeMs);
    for (const { path } of entries.slice(keep)) await rm(path, { recursive: true, force: true });
}

/** Runs `wasi:cli/run`; gives the exit code. */
async function run(folder, name, dirs, argv) {
    // Node queues what a pipe does not take, and its event loop does not run beside the component.
    for (const stream of [process.stdout, process.stderr]) stream._handle?.setBlocking?.(true);
    const { WASIShim } = await load('preview2-shim/instantiation');
    const shim = new WASIShim({
        sandbox: {
            preopens: Object.fromEntries(dirs.map(dir => [dir, dir])),
            env: process.env,
            args: [name, ...argv],
        },
    });
    const { instantiate } = await import(pathToFileURL(join(folder, 'component.js')));
    const core = async file => WebAssembly.compile(await readFile(join(folder, file)));
    const instance = await instantiate(core, shim.getImportObject());
    if (!instance.run) die('not a command: it does not export wasi:cli/run@0.2');
    try {
        instance.run.run();
        return 0;
    } catch (error) {
        if (error === undefined) return 1; // run's own result: an error without a payload
        process.stderr.write(`Error: ${error?.stack ?? error}\n`);
        return trapped;
    }
}

if (Number.parseInt(process.versions.node) < oldestNode)
    die(`host jco needs Node ${oldestNode} or newer on PATH (found ${process.versions.node})`);

const installed = name =>
    packages(join(tools, 'jco', 'node_modules', '@bytecodealliance', name, 'package.json')).version;
const version = `jco-transpile ${installed('jco-transpile')}, ` +
    `preview2-shim ${installed('preview2-shim')}`;

if (args[0] === '--print-host') {
    process.stdout.write(`jco (${version}, node ${process.versions.node})\n`);
} else {
    const dirs = [];
    while (args[0] === '--dir') dirs.push(args.splice(0, 2)[1]);
    const [component, ...rest] = args;
    try {
        const folder = await transpiled(component, version);
        process.exit(await run(folder, basename(component), dirs, rest));
    } catch (error) {
        die(`cannot start ${component}: ${error?.message ?? error}`);
    }
}
