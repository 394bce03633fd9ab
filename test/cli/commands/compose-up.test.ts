import { expect, test } from 'vitest';
import { servicesOfUp } from '../../../cli/commands/compose-up.ts';

test.each([
  [['-d', 'web'], { builds: false, isQuiet: false, services: ['web'], withoutBuild: ['-d', 'web'] }],
  [['--build'], { builds: true, isQuiet: false, services: [], withoutBuild: [] }],
  [
    ['--build', '-t', '5', '--scale', 'web=2', '--quiet-build', 'web', 'api'],
    {
      builds: true,
      isQuiet: true,
      services: ['web', 'api'],
      withoutBuild: ['-t', '5', '--scale', 'web=2', '--quiet-build', 'web', 'api'],
    },
  ],
  [['--build=true', '--timeout=5'], { builds: true, isQuiet: false, services: [], withoutBuild: ['--timeout=5'] }],
])('up %j', (args, expected) => {
  expect(servicesOfUp(args)).toEqual(expected);
});
