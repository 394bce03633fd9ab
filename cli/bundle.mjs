// Bundles the program into dist/, so that it starts in a fraction of the time. Run by `npm install`; where esbuild is
// absent (an install without development packages) the sources are run as they are.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * grpc-js imports `http` for proxies, which runtime/buildkit/dial.ts turns off. That import has Node 24 load its undici:
 * 40 ms of every start.
 */
const withoutHttp = {
  name: 'without-http',
  setup(build) {
    build.onResolve({ filter: /^http$/ }, ({ importer }) =>
      importer.includes('grpc-js') ? { path: 'https', external: true } : undefined,
    );
  },
};

/**
 * Node's own modules, asked for by name: an import of one reads every one of its exports, and with them loads what nobody
 * asked for (`node:fs` alone brings streams, readline and promises: 10 ms of every start). A dynamic import stays what it
 * is: esbuild would give it nothing but a default.
 */
const builtinsByName = {
  name: 'builtins-by-name',
  setup(build) {
    build.onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace: 'builtin' } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

/** For packages that call `require` for Node's own modules. */
const REQUIRE =
  'let __require_; const require = (id) => ' +
  "(__require_ ??= process.getBuiltinModule('node:module').createRequire(import.meta.url))(id);";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const esbuild = await import('esbuild').catch(() => undefined);
if (esbuild === undefined) {
  console.log('esbuild is not installed: depot will run from its sources.');
} else {
  rmSync(path.join(root, 'dist'), { recursive: true, force: true });
  await esbuild.build({
    entryPoints: { main: path.join(root, 'cli/main.ts') },
    outdir: path.join(root, 'dist'),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    splitting: true,
    chunkNames: 'chunk-[hash]',
    define: { 'process.env.NODE_ENV': '"production"' },
    banner: { js: REQUIRE },
    plugins: [withoutHttp, builtinsByName],
    logLevel: 'warning',
  });
}
