#!/usr/bin/env node
// Starts depot on a Node that is new enough: the one that runs this file, or the one that npm installed beside it.
// Plain JavaScript that old Nodes can read.

// A module asked for by name is loaded in part; imported, with all that its exports hang on.
const builtin = async (name) => (process.getBuiltinModule ? process.getBuiltinModule(name) : import(name));
const { existsSync, readdirSync, statSync } = await builtin('node:fs');

const GUARD = 'DEPOT_LAUNCHED';
const self = decodeURIComponent(new URL(import.meta.url).pathname);
const here = above(self);
const root = above(here);

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const newEnough = (major === 24 && minor >= 16) || (major === 26 && minor >= 1) || major > 26;

if (newEnough) {
  const launcher = process.env[GUARD];
  delete process.env[GUARD];
  await start(Number(launcher));
} else if (process.env[GUARD]) {
  complain('the Node that npm installed is too old as well');
} else {
  const node = installedNode();
  if (node) await relaunch(node);
  else complain('and none is installed beside depot');
}

async function start(launcher) {
  const module = await builtin('node:module');
  const home = process.env.HOME;
  const cache = process.env.XDG_CACHE_HOME || (home && `${home}/.cache`);
  if (module.enableCompileCache && cache) module.enableCompileCache(`${cache}/depot/compile`);
  const bundle = `${root}/dist/main.js`;
  const source = `${here}/main.ts`;
  const entry = existsSync(source) && !isFresh(bundle) ? source : bundle;
  const { main } = await import(entry);
  await main(process.argv.slice(2), launcher > 0 ? { launcher } : {});
}

/** Whether the bundle is there and newer than every source file. */
function isFresh(bundle) {
  const built = statSync(bundle, { throwIfNoEntry: false });
  if (!built) return false;
  return ['cli', 'planner', 'runtime', 'proto/gen'].every((folder) => isOlder(`${root}/${folder}`, built.mtimeMs));
}

function isOlder(folder, time) {
  return readdirSync(folder, { withFileTypes: true }).every((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return isOlder(path, time);
    return !/\.tsx?$/.test(entry.name) || statSync(path).mtimeMs <= time;
  });
}

function installedNode() {
  const name = `node-${process.platform}-${process.arch}`;
  for (let folder = root; ; folder = above(folder)) {
    const node = `${folder}/node_modules/${name}/bin/node`;
    if (existsSync(node)) return node;
    if (folder === above(folder)) return undefined;
  }
}

async function relaunch(node) {
  const { spawn } = await import('node:child_process');
  // As in `cli/depot`.
  const isPlan = process.argv.some((word) => /^--(?:print|list|list-targets|list-variables)(?:=|$)/.test(word));
  const room = isPlan ? '--min-semi-space-size=16' : '--max-semi-space-size=2';
  const child = spawn(node, [room, '--', self, ...process.argv.slice(2)], {
    // The pipe closes when this process ends, however it ends: so the child knows.
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, [GUARD]: '3' },
  });
  // The terminal gives Ctrl-C to the child as well, whoever sends a signal only to this process: the child makes one of both.
  const [, , , pipe] = child.stdio;
  pipe.on('error', () => {});
  process.on('SIGINT', () => pipe.write('.'));
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGQUIT']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => complain(`and ${node} does not start: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal) {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    } else process.exit(code ?? 1);
  });
}

function above(path) {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0)) || '/';
}

function complain(why) {
  console.error(`depot needs Node 24.16 or newer; this is ${process.versions.node}, ${why}.`);
  console.error('Run `npm install` in its folder, or install a newer Node.');
  process.exit(1);
}
