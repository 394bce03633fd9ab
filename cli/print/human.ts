const SIZES = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB'] as const;

const SECOND = 1;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24;

/** `3.21MB`: decimal units, four digits (docker/go-units `HumanSize`). */
export function humanSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < SIZES.length - 1; unit++) value /= 1000;
  return `${Number(value.toPrecision(4))}${SIZES[unit]}`;
}

/** `About a minute`, `18 minutes`, `4 hours`: roughly how long something takes (docker/go-units `HumanDuration`). */
export function humanDuration(seconds: number): string {
  const whole = Math.trunc(seconds);
  if (whole < 1) return 'Less than a second';
  if (whole === 1) return '1 second';
  if (whole < MINUTE) return `${whole} seconds`;
  const minutes = Math.trunc(seconds / MINUTE);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.trunc(seconds / HOUR + 0.5);
  if (hours === 1) return 'About an hour';
  if (hours < 2 * DAY) return `${hours} hours`;
  if (hours < 14 * DAY) return `${Math.trunc(hours / DAY)} days`;
  if (hours < 60 * DAY) return `${Math.trunc(hours / DAY / 7)} weeks`;
  if (hours < 730 * DAY) return `${Math.trunc(hours / DAY / 30)} months`;
  return `${Math.trunc(Math.trunc(seconds / HOUR) / DAY / 365)} years`;
}
