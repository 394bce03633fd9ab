import { generateKeyPairSync, publicEncrypt, constants } from 'node:crypto';
import { compareSync } from 'bcryptjs';
import { describe, expect, test } from 'vitest';
import { describeFunctions, failureOf, NOW, valueOf } from './expression.ts';

describeFunctions({
  'what tags are made of': [
    [
      'regex_replace("refs/heads/feature/My Branch", "[^a-zA-Z0-9._-]+", "-")',
      '"refs-heads-feature-My-Branch"',
      'string',
    ],
    ['regex_replace("v1.22.3-rc.1", "^v?(\\\\d+)\\\\.(\\\\d+)\\\\..*$", "$${1}.$2")', '"1.22"', 'string'],
    ['regex_replace("a.b", "(?P<l>\\\\w)\\\\.(?P<r>\\\\w)", "$r.$l")', '"b.a"', 'string'],
    ['regex_replace("costs 5", "\\\\d", "$$$0")', '"costs $5"', 'string'],
    ['regex_replace("a", "a", "$")', '"$"', 'string'],
    ['regex_replace("abc", "x*", "-")', '"-a-b-c-"', 'string'],
    ['regex_replace("héllo😀", "", "_")', '"_h_é_l_l_o_😀_"', 'string'],
    ["formatdate(\"YYYYMMDD'T'hhmmss'Z'\", timestamp())", '"20240305T070809Z"', 'string'],
    ['formatdate("YYYY-MM-DD", timeadd(timestamp(), "-24h"))', '"2024-03-04"', 'string'],
    ['split("/", "docker.io/library/alpine")[2]', '"alpine"', 'string'],
    ['element(split(":", "a:b:c"), length(split(":", "a:b:c")) - 1)', '"c"', 'string'],
    [
      '[for t in split(",", "1,1.2,1.2.3") : "app:${t}"]',
      '["app:1","app:1.2","app:1.2.3"]',
      'tuple([string, string, string])',
    ],
    ['join("-", compact(["v1", "", null, "alpine"]))', '"v1-alpine"', 'string'],
    [
      'flatten([for os in ["linux"] : [for a in ["amd64", "arm64"] : "${os}/${a}"]])',
      '["linux/amd64","linux/arm64"]',
      'tuple([string, string])',
    ],
    ['lookup(merge({ a = "1" }, { b = "2" }), "b", "")', '"2"', 'string'],
    ['try(regex("^v(\\\\d+)\\\\.", "v1.2.3")[0], "latest")', '"1"', 'string'],
    ['try(regex("^v(\\\\d+)\\\\.", "main")[0], "latest")', '"latest"', 'string'],
    ['can(regex("^v", "main")) ? "release" : "branch"', '"branch"', 'string'],
    ['length(regexall("^v\\\\d", "v1")) > 0', 'true', 'bool'],
    ['substr("0123456789abcdef", 0, 7)', '"0123456"', 'string'],
    ['lower(replace("Org/Repo", "/", "-"))', '"org-repo"', 'string'],
    ['trimprefix("v1.2.3", "v")', '"1.2.3"', 'string'],
    ['jsondecode("{\\"tags\\":[\\"a\\"]}").tags[0]', '"a"', 'string'],
    ['csvdecode("name,tag\\nweb,1\\napi,2")[1].tag', '"2"', 'string'],
    ['and(equal("a", "a"), notequal(length(["x"]), 0))', 'true', 'bool'],
  ],
  'numbers in text': [
    ['format("%08.3f", -3.14159)', '"-003.142"', 'string'],
    ['format("%.0f %.0f %.0f %.1f", 0.5, 1.5, 2.5, 0.25)', '"0 2 2 0.2"', 'string'],
    ['format("%.2f %.3f", 9.999, 0.00051)', '"10.00 0.001"', 'string'],
    ['format("%5.1f|%-8.2f|%+.1f", 3.14, 2.5, 1)', '"  3.1|2.50    |+1.0"', 'string'],
    ['format("%.3g %.3G %g %g", 1234, 0.00001234, 100000, 1000000)', '"1.23e+03 1.23E-05 100000 1e+06"', 'string'],
    ['format("%g %g %.10g", 0, 0.5, 100)', '"0 0.5 100"', 'string'],
    ['format("%e %E %.0e", 0, 1, 15)', '"0.000000e+00 1.000000E+00 2e+01"', 'string'],
    ['format("%#x %#X %#o %#b %x", 255, 255, 8, 5, -255)', '"0xff 0XFF 010 0b101 -ff"', 'string'],
    ['format("%08b|%-6d|%.3d|%6.3d|%06.3d", 5, 42, 5, 5, 5)', '"00000101|42    |005|   005|   005"', 'string'],
    ['format("%+d % d %+05d %-05d|", 5, 5, 5, 5)', '"+5  5 +0005 5    |"', 'string'],
    ['format("%d", 1e30)', '"1000000000000000000000000000000"', 'string'],
    ['format("%v %v %s", 1/0, -1/0, 0.1)', '"+Inf -Inf 0.1"', 'string'],
    ['format("%f|%6g|%+g|%06f", 1/0, -1/0, 1/0, 1/0)', '"+Inf|  -Inf|+Inf|  +Inf"', 'string'],
    ['format("%v", 0.1 + 0.2)', '"0.3"', 'string'],
    ['format("%.60f", 0.1)', '"0.100000000000000000000000000000000000000000000000000000000000"', 'string'],
    ['format("%.20f", pow(0.1, 1))', '"0.10000000000000000555"', 'string'],
    ['format("%05s|%-05s|%.0s|%5q", "ab", "ab", "abc", "x")', '"000ab|ab000|abc|  \\"x\\""', 'string'],
    ['format("%3s|%-3s|%.1s", "é", "👨‍👩‍👧", "👨‍👩‍👧x")', '"  é|👨‍👩‍👧  |👨‍👩‍👧"', 'string'],
    ['format("%[2]d %[1]d %d", 1, 2)', '"2 1 2"', 'string'],
    ['format("%[1]s%[1]s", "a")', '"aa"', 'string'],
    ['format("%[3]s", "a", "b")', { fails: 'need index 3 but have 2 total' }],
    ['format("%s", "a", "b")', { fails: 'only 1 used by format string' }],
    ['format("é%!", 1)', { fails: "unrecognized format character '!' at offset 3" }],
    ['format("%5t", true)', '"true"', 'string'],
    ['format("%v", convert(["b", "a"], set(string)))', '"[\\"a\\",\\"b\\"]"', 'string'],
    ['pow(2, 0.5) * 1 == pow(2, 0.5)', 'true', 'bool'],
    ['pow(0, -1)', 'Inf', 'number'],
    ['pow(1.1, 2)', '1.2100000000000002', 'number'],
    ['log(2, 10)', '0.30102999566398114', 'number'],
    ['ceil(-0.5)', '0', 'number'],
    ['int(-0.9)', '0', 'number'],
    ['floor(-1/0)', '-Inf', 'number'],
    ['signum(0.0)', '0', 'number'],
    ['parseint("+Ff", 16)', '255', 'number'],
    ['parseint("z", 36) == parseint("Z", 36)', 'true', 'bool'],
    [`parseint("1${'0'.repeat(200)}", 10)`, `1${'0'.repeat(200)}`, 'number'],
    ['multiply(0, -1/0)', { fails: 'zero by infinity' }],
    ['modulo(5, 1/0)', 'Inf', 'number'],
    ['1/0 - 1/0', { fails: 'no result' }],
    ['range(0, 0.5, 0.1)', '[0,0.1,0.2,0.3,0.4]', 'list(number)'],
    ['max(1/0, 5) > min(-1/0, 5)', 'true', 'bool'],
  ],
  'letters of many scripts': [
    ['upper("ᾳ ǆ ﬀ ß")', '"ᾼ Ǆ ﬀ ß"', 'string'],
    ['title("ǆ ა x_y 1a a-b")', '"ǅ ა X_y 1a A-B"', 'string'],
    ['lower("ΟΔΟΣ")', '"οδοσ"', 'string'],
    ['trimspace("\\u0085\\u3000a\\ufeff")', '"a\ufeff"', 'string'],
    ['join("", ["e", "\\u0301"])', '"é"', 'string'],
    ['strlen(join("", ["e", "\\u0301"]))', '1', 'number'],
    ['replace("😀b", "", "-")', '"-😀-b-"', 'string'],
    ['sanitize("a😀b")', '"a_b"', 'string'],
    ['regex("^.$", "😀")', '"😀"', 'string'],
    ['regex("\\\\pL+", "1éß2")', '"éß"', 'string'],
    ['regex("\\\\p{Greek}+", "aαβ")', '"αβ"', 'string'],
    ['regex("(?i)straSSe", "STRAsse")', '"STRAsse"', 'string'],
    ['regex("(?i)k", "\\u212a")', '"K"', 'string'],
    ['regex("[[:upper:]]+", "aÉBC")', '"BC"', 'string'],
    ['regex("\\\\w+", "éa")', '"a"', 'string'],
  ],
  'times at their edges': [
    ['timeadd("2024-02-29T23:59:59.999999999Z", "1ns")', '"2024-03-01T00:00:00Z"', 'string'],
    ['timeadd("0001-01-01T00:00:00Z", "0")', '"0001-01-01T00:00:00Z"', 'string'],
    ['timeadd("2024-01-01T00:00:00Z", "1h-1m")', { fails: 'unknown unit "h-"' }],
    ['timeadd("2024-01-01T00:00:00Z", "5")', { fails: 'missing unit' }],
    ['timeadd("2024-01-01T00:00:00Z", ".5h1us")', '"2024-01-01T00:30:00Z"', 'string'],
    ['formatdate("h:mm AA Z", "2024-01-01T12:00:00-00:30")', '"12:00 PM -00:30"', 'string'],
    ['formatdate("H aa", "2024-01-01T00:00:00Z")', '"12 am"', 'string'],
    ['formatdate("YYYY", "2024-01-01t00:00:00Z")', { fails: "missing required time introducer 'T'" }],
    ['formatdate("YYYY", "2023-02-29T00:00:00Z")', { fails: 'day out of range' }],
    ['formatdate("YYYY", "2024-01-01T24:00:00Z")', { fails: 'hour out of range' }],
    ['formatdate("YYYY", "2024-01-01T00:00:00")', { fails: 'end of string before UTC offset' }],
    ['unixtimestampparse(1609459199).iso_week', '53', 'number'],
    ['unixtimestampparse(1609459200).iso_year', '2020', 'number'],
    ['unixtimestampparse(1735603200).year_day', '366', 'number'],
  ],
  'values that change their type': [
    ['coalesce(null, 1, true)', '1', 'number'],
    ['coalesce(convert(null, string), 5)', '"5"', 'string'],
    ['concat([1], convert(["a"], list(string)))', '[1,"a"]', 'tuple([number, string])'],
    ['convert([[1], ["a", "b"]], list(list(any)))', '[["1"],["a","b"]]', 'list(list(string))'],
    ['convert({ a = [1], b = ["x"] }, map(list(any)))', '{"a":["1"],"b":["x"]}', 'map(list(string))'],
    ['merge(convert(null, map(string)), convert({ a = "1" }, map(any)))', '{"a":"1"}', 'map(string)'],
    ['merge("a")', { fails: 'arguments must be maps or objects' }],
    ['setunion([1, "1"], [])', '["1"]', 'set(string)'],
    ['setproduct([1], ["a"], [true])', '[[1,"a",true]]', 'list(tuple([number, string, bool]))'],
    ['setproduct(range(1000), range(1000), [])', '[]', 'list(tuple([number, number, any]))'],
    ['distinct([{ a = 1 }, { a = 1 }])', '[{"a":1}]', 'list(object({a=number}))'],
    ['chunklist(["a", "b", "c"], 1e18)', '[["a","b","c"]]', 'list(list(string))'],
    ['keys(zipmap(["b", "a"], ["1", "2"]))', '["a","b"]', 'tuple([string, string])'],
    [
      'jsondecode("{\\"__proto__\\": 1, \\"10\\": 2, \\"9\\": 3}")',
      '{"10":2,"9":3,"__proto__":1}',
      'object({10=number, 9=number, __proto__=number})',
    ],
    ['jsondecode("\\"\\\\ud800\\"")', '"\ufffd"', 'string'],
    ['base64decode("4pyT\\r\\n")', '"✓"', 'string'],
    ['base64decode("====")', { fails: 'failed to decode base64' }],
    [
      'csvdecode("a,b\\r\\n\\r\\n\\"1\\r\\n2\\",3\\r\\n")',
      '[{"a":"1\\n2","b":"3"}]',
      'list(object({a=string, b=string}))',
    ],
    ['csvdecode("a\\n1\\n\\r")', '[{"a":"1"}]', 'list(object({a=string}))'],
    ['csvdecode("a\\nx\\"y")', { fails: 'bare " in non-quoted field' }],
    ['csvdecode("a\\n\\"x\\"y")', { fails: 'extraneous or missing " in quoted-field' }],
  ],
  'networks and versions at their edges': [
    ['cidrhost("fe80::/64", -1)', '"fe80::ffff:ffff:ffff:ffff"', 'string'],
    ['cidrhost("::ffff:10.0.0.0/104", 1)', '"10.0.0.1"', 'string'],
    ['cidrhost("10.0.0.0/8", -16777216)', '"10.0.0.0"', 'string'],
    ['cidrhost("10.0.0.0/8", -16777217)', { fails: 'does not accommodate' }],
    ['cidrnetmask("::/0")', '"::"', 'string'],
    ['cidrsubnets("10.0.0.0/24", 2, 1)', '["10.0.0.0/26","10.0.0.128/25"]', 'list(string)'],
    ['cidrsubnets("10.0.0.0/24", 2, 1, 3)', { fails: 'not enough remaining address space' }],
    ['cidrnetmask("10.0.0.01/8")', { fails: 'invalid CIDR' }],
    ['cidrnetmask("1::2::3/8")', { fails: 'invalid CIDR' }],
    ['cidrnetmask("10.0.0.0/33")', { fails: 'invalid CIDR' }],
    ['semvercmp("1.2.3", ">=1.2.3-alpha")', 'true', 'bool'],
    ['semvercmp("1.0.0-rc.2", ">1.0.0-rc.1 <1.0.0")', 'true', 'bool'],
    ['semvercmp("1.0.0-rc.10", ">1.0.0-rc.9")', 'true', 'bool'],
    ['semvercmp("2.5.0", "<=2")', 'true', 'bool'],
    ['semvercmp("2.5.0", ">2")', 'false', 'bool'],
    ['semvercmp("2.5.1", "!=2.5.x")', 'false', 'bool'],
    ['semvercmp("0.0.4", "^0.0.3")', 'false', 'bool'],
    ['semvercmp("1.2.9", "~>1.2.3")', 'true', 'bool'],
    ['semvercmp("1.3.0", "~>1.2.3")', 'false', 'bool'],
    ['semvercmp("1.0.0-01", "*")', { fails: 'invalid semantic version' }],
  ],
  'slices of paths': [
    ['basename("a//")', '"a"', 'string'],
    ['basename("//")', '"/"', 'string'],
    ['dirname("/a")', '"/"', 'string'],
    ['dirname("../a/../..")', '".."', 'string'],
    ['dirname("a/")', '"a"', 'string'],
    ['homedir()', '"/home/someone"', 'string'],
  ],
});

describe('calls that cannot be', () => {
  test('a misspelt function is told its name', () => {
    expect(failureOf('formatdat("YYYY", timestamp())')?.diagnostics[0]).toMatchObject({
      message: 'There is no function named "formatdat"',
      hint: 'did you mean "formatdate"?',
    });
  });

  test.each([
    ['abs(-1)', 'write absolute(num)'],
    ['tostring(1)', 'write convert(value, string)'],
    ['regexReplace("a", "b", "c")', 'did you mean "regex_replace"?'],
  ])('%s is told what to write instead', (expression, hint) => {
    expect(failureOf(expression)?.diagnostics[0].hint).toBe(hint);
  });

  test('a wrong argument is shown where it stands, with how the function is called', () => {
    const failure = failureOf('slice(["a"], 2, 1)')?.diagnostics[0];
    expect(failure?.hint).toBe('write slice(list, start_index, end_index)');
    expect(failure?.span).toMatchObject({ start: 'value = slice(["a"], '.length });
  });
});

describe('what differs on every call', () => {
  test('bcrypt makes a hash that its password opens, with a salt of its own', () => {
    const [one, other] = [valueOf('bcrypt("pässword", 4)'), valueOf('bcrypt("pässword", 4)')];
    if (one.is !== 'string' || other.is !== 'string') throw new Error('no text');
    expect(compareSync('pässword', one.value)).toBe(true);
    expect(compareSync('password', one.value)).toBe(false);
    expect(one.value).not.toBe(other.value);
  });

  test('uuidv4 never repeats', () => {
    expect(valueOf('uuidv4()')).not.toEqual(valueOf('uuidv4()'));
  });

  test('timestamp is the time of planning', () => {
    expect(valueOf('timestamp()')).toEqual({ is: 'string', value: `${NOW.toISOString().slice(0, 19)}Z` });
  });
});

describe('rsadecrypt', () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  const encrypted = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, Buffer.from('secret ✓'));

  test('opens what the public key closed', () => {
    const call = `rsadecrypt("${encrypted.toString('base64')}", ${JSON.stringify(privateKey)})`;
    expect(valueOf(call)).toEqual({ is: 'string', value: 'secret ✓' });
  });

  test('says so when it is for another key', () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
      type: 'pkcs1',
      format: 'pem',
    });
    const call = `rsadecrypt("${encrypted.toString('base64')}", ${JSON.stringify(other)})`;
    expect(failureOf(call)?.diagnostics[0].message).toMatch(/decrypt/);
  });
});
