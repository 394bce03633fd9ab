import { expect, test } from 'vitest';
import { printPlan } from '../../../planner/bake/print.ts';
import { corpus } from '../../fuzz/corpus.ts';
import { goodPlanOf, planOf } from '../../rig/definition.ts';

test('what --print writes is a definition of the same targets', async () => {
  let tried = 0;
  for (const { name, text } of corpus()) {
    const file = name.endsWith('.json') ? 'docker-bake.json' : 'docker-bake.hcl';
    const planned = await planOf({ [file]: text }, { targets: ['*'] });
    if (!planned.ok) continue;
    const printed = printPlan(planned.value.plan);
    const { targets } = planned.value.plan;
    // A target of that name beside others is hidden by the group that is printed.
    if (targets.length > 1 && targets.some((target) => target.name === 'default')) continue;
    // As the peer, print escapes templates in five attributes only.
    if (/(?<![$%])[$%]\{/.test(printed)) continue;
    const again = await planOf({ 'docker-bake.json': printed });
    expect(again.ok, `${text}\n${printed}`).toBe(true);
    if (!again.ok) continue;
    expect(JSON.parse(printPlan(again.value.plan)).target).toEqual(JSON.parse(printed).target);
    tried++;
  }
  expect(tried).toBeGreaterThan(200);
});

test('keys that are digits are in the order of text, as Go has them', async () => {
  const text = 'target "default" { args = { "10" = "a", "2" = "<b>", __proto__ = "c" } }\n';
  const printed = printPlan((await goodPlanOf(text)).plan);
  expect(printed).toContain(
    '"args": {\n        "10": "a",\n        "2": "\\u003cb\\u003e",\n        "__proto__": "c"\n      }',
  );
});
