import { describeFunctions } from './expression.ts';

describeFunctions({
  and: [
    ['and(true, false)', 'false', 'bool'],
    ['and("true", "1")', 'true', 'bool'],
    ['and(1, true)', { fails: 'bool required, but have number' }],
    ['and(null, true)', { fails: 'argument must not be null' }],
  ],
  equal: [
    ['equal(1, 1.0)', 'true', 'bool'],
    ['equal("1", 1)', 'false', 'bool'],
    ['equal(null, null)', 'true', 'bool'],
    ['equal([1, "a"], [1, "a"])', 'true', 'bool'],
    ['equal({a=1}, {a=1, b=2})', 'false', 'bool'],
  ],
  greaterthan: [
    ['greaterthan(2, 1)', 'true', 'bool'],
    ['greaterthan("10", "9")', 'true', 'bool'],
    ['greaterthan("b", "a")', { fails: 'a number is required' }],
  ],
  greaterthanorequalto: [
    ['greaterthanorequalto(1, 1)', 'true', 'bool'],
    ['greaterthanorequalto("1.0", 1)', 'true', 'bool'],
    ['greaterthanorequalto(null, 1)', { fails: 'argument must not be null' }],
  ],
  lessthan: [
    ['lessthan(2, 10)', 'true', 'bool'],
    ['lessthan("2", "10")', 'true', 'bool'],
    ['lessthan("a", 1)', { fails: 'a number is required' }],
  ],
  lessthanorequalto: [
    ['lessthanorequalto(1, 1)', 'true', 'bool'],
    ['lessthanorequalto(2, 1)', 'false', 'bool'],
    ['lessthanorequalto("1", "1.0")', 'true', 'bool'],
  ],
  not: [
    ['not(true)', 'false', 'bool'],
    ['not("false")', 'true', 'bool'],
    ['not(0)', { fails: 'bool required, but have number' }],
  ],
  notequal: [
    ['notequal(1, 2)', 'true', 'bool'],
    ['notequal("1", 1)', 'true', 'bool'],
    ['notequal(null, null)', 'false', 'bool'],
  ],
  or: [
    ['or(false, true)', 'true', 'bool'],
    ['or("0", "1")', 'true', 'bool'],
    ['or(null, true)', { fails: 'argument must not be null' }],
  ],
});
