#!/usr/bin/env node
// Starts depot on a Node that is new enough: the one that runs this file, or the one that npm installed beside it.
// Plain JavaScript that old Nodes can read.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import module from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const GUARD = 'DEPOT_LAUNCHED';
const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.dirname(here);

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const newEnough = (major === 24 && minor >= 16) || (major === 26 && minor >= 1) || major > 26;

if (newEnough) {
  delete process.env[GUARD];
  await start();
} else if (process.env[GUARD]) {
  complain('the Node that npm installed is too old as well');
} else {
  const node = installedNode();
  if (node) relaunch(node);
  else complain('and none is installed beside depot');
}

async function start() {
  if (module.enableCompileCache) {
    const cache = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
    module.enableCompileCache(path.join(cache, 'depot', 'compile'));
  }
  const bundle = path.join(root, 'dist', 'main.js');
  const source = path.join(here, 'main.ts');
  const entry = existsSync(source) && !isFresh(bundle) ? source : bundle;
  const { main } = await import(pathToFileURL(entry).href);
  await main(process.argv.slice(2));
}

/** Whether the bundle is there and newer than every source file. */
function isFresh(bundle) {
  if (!existsSync(bundle)) return false;
  const built = statSync(bundle).mtimeMs;
  return ['cli', 'planner', 'runtime', 'proto/gen'].every((folder) => newest(path.join(root, folder)) <= built);
}

function newest(folder) {
  let latest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    const time = entry.isDirectory() ? newest(file) : statSync(file).mtimeMs;
    if (time > latest) latest = time;
  }
  return latest;
}

function installedNode() {
  const name = `node-${process.platform}-${process.arch}`;
  for (let folder = root; ; folder = path.dirname(folder)) {
    const node = path.join(folder, 'node_modules', name, 'bin', 'node');
    if (existsSync(node)) return node;
    if (folder === path.dirname(folder)) return undefined;
  }
}

function relaunch(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, [GUARD]: '1' },
  });
  // The terminal gives Ctrl-C to the child as well; it decides what that means.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGQUIT']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => complain(`and ${node} does not start: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal) {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    } else process.exit(code ?? 1);
  });
}

function complain(why) {
  console.error(`depot needs Node 24.16 or newer; this is ${process.versions.node}, ${why}.`);
  console.error('Run `npm install` in its folder, or install a newer Node.');
  process.exit(1);
}
