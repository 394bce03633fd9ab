import { describeFunctions } from './expression.ts';

describeFunctions({
  cidrhost: [
    ['cidrhost("10.12.127.0/20", 16)', '"10.12.112.16"', 'string'],
    ['cidrhost("10.12.127.0/20", -1)', '"10.12.127.255"', 'string'],
    ['cidrhost("fd00:fd12:3456:7890:00a2::/72", 34)', '"fd00:fd12:3456:7890::22"', 'string'],
    ['cidrhost("10.0.0.0/30", 4)', { fails: 'prefix of 30 does not accommodate a host numbered 4' }],
    ['cidrhost("10.0.0.0", 1)', { fails: 'invalid CIDR expression: invalid CIDR address: 10.0.0.0' }],
    [
      'cidrhost("10.0.0.0/24", 1.5)',
      { fails: 'value must be a whole number, between -9223372036854775808 and 9223372036854775807' },
    ],
  ],
  cidrnetmask: [
    ['cidrnetmask("172.16.0.0/12")', '"255.240.0.0"', 'string'],
    ['cidrnetmask("10.0.0.1/32")', '"255.255.255.255"', 'string'],
    ['cidrnetmask("fd00::/64")', '"ffff:ffff:ffff:ffff::"', 'string'],
    ['cidrnetmask("x")', { fails: 'invalid CIDR expression: invalid CIDR address: x' }],
  ],
  cidrsubnet: [
    ['cidrsubnet("172.16.0.0/12", 4, 2)', '"172.18.0.0/16"', 'string'],
    ['cidrsubnet("10.1.2.0/24", 4, 15)', '"10.1.2.240/28"', 'string'],
    ['cidrsubnet("fd00:fd12:3456:7890::/56", 16, 162)', '"fd00:fd12:3456:7800:a200::/72"', 'string'],
    ['cidrsubnet("10.0.0.0/24", 9, 0)', { fails: 'insufficient address space to extend prefix of 24 by 9' }],
    ['cidrsubnet("10.0.0.0/24", 1, 2)', { fails: 'prefix extension of 1 does not accommodate a subnet numbered 2' }],
    ['cidrsubnet("10.0.0.1/24", 1, 0)', '"10.0.0.0/25"', 'string'],
  ],
  cidrsubnets: [
    [
      'cidrsubnets("10.1.0.0/16", 4, 4, 8, 4)',
      '["10.1.0.0/20","10.1.16.0/20","10.1.32.0/24","10.1.48.0/20"]',
      'list(string)',
    ],
    ['cidrsubnets("10.0.0.0/8")', '[]', 'list(string)'],
    ['cidrsubnets("fd00::/48", 16, 16)', '["fd00::/64","fd00:0:0:1::/64"]', 'list(string)'],
    [
      'cidrsubnets("10.0.0.0/30", 1, 1, 1)',
      { fails: 'not enough remaining address space for a subnet with a prefix of 31 bits after 10.0.0.2/31' },
    ],
    ['cidrsubnets("10.0.0.0/16", 0)', { fails: 'must extend prefix by at least one bit' }],
    ['cidrsubnets("10.0.0.0/8", 33)', { fails: 'may not extend prefix by more than 32 bits' }],
  ],
});
