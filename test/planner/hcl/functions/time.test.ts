import { describeFunctions } from './expression.ts';

describeFunctions({
  formatdate: [
    ['formatdate("YYYY-MM-DD hh:mm:ss", "2024-03-05T07:08:09Z")', '"2024-03-05 07:08:09"', 'string'],
    ['formatdate("EEE, D MMM YY H:mm AA ZZZ", "2024-03-05T17:08:09+02:00")', '"Tue, 5 Mar 24 5:08 PM +0200"', 'string'],
    [
      'formatdate("EEEE MMMM Z ZZZZ ZZZZZ", "2024-03-05T17:08:09-08:00")',
      '"Tuesday March -08:00 -0800 -08:00"',
      'string',
    ],
    ["formatdate(\"'at' h 'o''clock' aa\", \"2024-03-05T00:08:09Z\")", '"at 0 o\'clock am"', 'string'],
    [
      'formatdate("YYYY", "2024-03-05")',
      { fails: "not a valid RFC3339 timestamp: missing required time introducer 'T'" },
    ],
    [
      'formatdate("YYY", "2024-03-05T00:00:00Z")',
      { fails: 'invalid date format verb "YYY": year must either be "YY" or "YYYY"' },
    ],
    ['formatdate("x", "2024-03-05T00:00:00Z")', { fails: 'invalid date format verb "x"' }],
    ['formatdate("\'x", "2024-03-05T00:00:00Z")', { fails: "unterminated literal '" }],
    ['formatdate("HH hh", "2024-02-30T00:00:00Z")', { fails: 'not a valid RFC3339 timestamp: day out of range' }],
    ['formatdate("s", "2024-03-05T00:00:09.123Z")', '"9"', 'string'],
    ['formatdate("YY-M-D h:m:s", "2024-03-05T07:08:09Z")', '"24-3-5 7:8:9"', 'string'],
  ],
  formattimestamp: [
    ['formattimestamp("YYYY-MM-DD", 1700000000)', '"2023-11-14"', 'string'],
    ['formattimestamp("X", "2023-11-14T22:13:20Z")', '"1700000000"', 'string'],
    ['formattimestamp("X", 1700000000)', '"1700000000"', 'string'],
    ['formattimestamp("hh:mm:ss", "2023-11-14T22:13:20+02:00")', '"22:13:20"', 'string'],
    [
      'formattimestamp("YYYY", "1700000000")',
      { fails: 'not a valid RFC3339 timestamp: found "000000" where "-" is expected' },
    ],
    ['formattimestamp("YYYY", 1.5)', { fails: 'unix timestamp must be an integer' }],
    ['formattimestamp("YYYY", true)', { fails: 'must be a string timestamp or a unix timestamp number' }],
    ['formattimestamp("X", "2023-11-14")', { fails: 'timestamp string must be RFC3339' }],
    ['formattimestamp("YYYY-MM-DD\'T\'hh:mm:ssZ", 0)', '"1970-01-01T00:00:00Z"', 'string'],
    ['formattimestamp("X", -1)', '"-1"', 'string'],
  ],
  timeadd: [
    ['timeadd("2024-01-01T00:00:00Z", "1h30m")', '"2024-01-01T01:30:00Z"', 'string'],
    ['timeadd("2024-01-01T00:00:00+02:00", "-24h")', '"2023-12-31T00:00:00+02:00"', 'string'],
    ['timeadd("2024-01-01T00:00:00.5Z", "600ms")', '"2024-01-01T00:00:01Z"', 'string'],
    ['timeadd("2024-01-01", "1h")', { fails: "not a valid RFC3339 timestamp: missing required time introducer 'T'" }],
    ['timeadd("2024-01-01T00:00:00Z", "1d")', { fails: 'time: unknown unit "d" in duration "1d"' }],
    ['timeadd("2024-02-28T00:00:00Z", "1.5h2ms")', '"2024-02-28T01:30:00Z"', 'string'],
    ['timeadd("2024-01-01T00:00:00Z", "-1ns")', '"2023-12-31T23:59:59Z"', 'string'],
  ],
  timestamp: [
    [
      'regex("^\\\\d{4}-\\\\d\\\\d-\\\\d\\\\dT\\\\d\\\\d:\\\\d\\\\d:\\\\d\\\\dZ$", timestamp()) == timestamp()',
      'true',
      'bool',
    ],
    ['timestamp(1)', { fails: 'Too many arguments for timestamp: it takes 0' }],
    ['strlen(timestamp())', '20', 'number'],
    ['timestamp() == ""', 'false', 'bool'],
  ],
  unixtimestampparse: [
    [
      'unixtimestampparse(1700000000)',
      '{"day":14,"hour":22,"iso_week":46,"iso_year":2023,"minute":13,"month":11,"month_name":"November","rfc3339":"2023-11-14T22:13:20Z","second":20,"weekday":2,"weekday_name":"Tuesday","year":2023,"year_day":318}',
      'object({day=number, hour=number, iso_week=number, iso_year=number, minute=number, month=number, month_name=string, rfc3339=string, second=number, weekday=number, weekday_name=string, year=number, year_day=number})',
    ],
    ['unixtimestampparse("0").rfc3339', '"1970-01-01T00:00:00Z"', 'string'],
    ['unixtimestampparse(-1).year', '1969', 'number'],
    ['unixtimestampparse(1704067200).iso_week', '1', 'number'],
    ['unixtimestampparse(1704067200).weekday', '1', 'number'],
    ['unixtimestampparse(1.5)', { fails: 'unix timestamp must be an integer' }],
    ['unixtimestampparse("x")', { fails: 'a number is required' }],
  ],
});
