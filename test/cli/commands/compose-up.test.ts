import { expect, test } from 'vitest';
import { buildArguments, servicesOfUp } from '../../../cli/commands/compose-up.ts';

test.each([
  [
    ['-d', 'web'],
    { builds: false, isQuiet: false, withDependencies: true, services: ['web'], withoutBuild: ['-d', 'web'] },
  ],
  [['--build'], { builds: true, isQuiet: false, withDependencies: true, services: [], withoutBuild: [] }],
  [
    ['--build', '-t', '5', '--scale', 'web=2', '--quiet-build', 'web', 'api'],
    {
      builds: true,
      isQuiet: true,
      withDependencies: true,
      services: ['web', 'api'],
      withoutBuild: ['-t', '5', '--scale', 'web=2', '--quiet-build', 'web', 'api'],
    },
  ],
  [
    ['--build=true', '--timeout=5'],
    { builds: true, isQuiet: false, withDependencies: true, services: [], withoutBuild: ['--timeout=5'] },
  ],
])('up %j', (args, expected) => {
  expect(servicesOfUp(args)).toEqual(expected);
});

test.each([
  [
    ['--build', 'web'],
    ['--with-dependencies', 'web'],
  ],
  [
    ['--build', '--quiet-build'],
    ['--quiet', '--with-dependencies'],
  ],
  [['--build', '--no-deps', 'web'], ['web']],
  [['--build', '--no-deps=true', 'web'], ['web']],
  [
    ['--build', '--no-deps=false', 'web'],
    ['--with-dependencies', 'web'],
  ],
])('up %j builds %j', (args, expected) => {
  expect(buildArguments(servicesOfUp(args))).toEqual(expected);
});
