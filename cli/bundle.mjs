// Bundles the program into dist/, or into the empty folder named, so that it starts in a fraction of the time. Run by `npm install`; where rolldown is
// absent (an install without development packages) the sources are run as they are.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const [, , folder = path.join(root, 'dist')] = process.argv;

/**
 * Node's own modules, asked for by name: an import of one reads every one of its exports, and with them loads what nobody
 * asked for (`node:fs` alone brings streams, readline and promises: 10 ms of every start).
 */
const builtinsByName = {
  name: 'builtins-by-name',
  // A `require` wants the module itself, which the require of the banner gives.
  resolveId: (id, _importer, { kind }) =>
    id.startsWith('node:') && kind !== 'require-call' ? { id: `\0${id}` } : undefined,
  async load(id) {
    if (!id.startsWith('\0node:')) return undefined;
    const name = id.slice(1);
    const exported = Object.keys(await import(name)).filter((one) => one !== 'default' && one !== 'module.exports');
    const lines = [
      `const builtin = /* @__PURE__ */ process.getBuiltinModule(${JSON.stringify(name)});`,
      'export default builtin;',
      ...exported.map((one) => `export const ${one} = builtin.${one};`),
    ];
    return { code: lines.join('\n'), moduleType: 'js' };
  },
};

/** For packages that call `require` for Node's own modules. */
const REQUIRE =
  'let __require_; const require = (id) => ' +
  "(__require_ ??= process.getBuiltinModule('node:module').createRequire(import.meta.url))(id);";

/** What every command and `bake --print` need, in one file: each further one costs a millisecond. */
const isPlanning = (id) =>
  /^\0node:(?:fs|path|path\/posix)$/.test(id) ||
  (/\/planner\/(?!compose\/)/.test(id) &&
    !/\/(?:crypto|regex|network|time|timestamp|version)\.ts$|\/regexp\//.test(id)) ||
  /\/cli\/(?:main|output|flags|command|environment|host|entitlements)\.ts$/.test(id) ||
  /\/cli\/(?:commands\/bake(?:-flags)?|print\/(?:complain|diagnostic|text))\.ts$/.test(id);

const bundler = await import('rolldown').catch(() => undefined);
// An older Node does not know the names of all that a newer one has.
const isTarget = Number(process.versions.node.split('.')[0]) >= 24;
if (bundler === undefined) {
  console.log('rolldown is not installed: depot will run from its sources.');
} else {
  if (process.argv.length < 3) rmSync(folder, { recursive: true, force: true });
  const write = async (input, output) => {
    const bundle = await bundler.rolldown({
      input,
      cwd: root,
      platform: 'node',
      transform: { define: { 'process.env.NODE_ENV': '"production"' } },
      // What a command loads late, the library for other programs has at once.
      checks: { ineffectiveDynamicImport: false },
      treeshake: { propertyReadSideEffects: false },
      plugins: isTarget ? [builtinsByName] : [],
    });
    await bundle.write({ dir: folder, format: 'esm', banner: REQUIRE, chunkFileNames: '[name]-[hash].js', ...output });
    await bundle.close();
  };
  await write(
    { main: path.join(root, 'cli/main.ts'), planner: path.join(root, 'planner/library.ts') },
    { codeSplitting: { groups: [{ name: 'plan', test: isPlanning, priority: 1 }] } },
  );
  // By itself: what it shared with the program would be further files for every start of that.
  await write({ buildkit: path.join(root, 'runtime/buildkit/library.ts') }, {});
}
