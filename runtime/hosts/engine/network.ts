import type { CommandOutcome } from './room.ts';
import { run } from './room.ts';
import { lock } from './lock.ts';

/** Private networks we choose from: 10.213.0.0/24 to 10.213.255.0/24. */
const SUBNETS = 256;

const ENV = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' };

/** The network of one engine's containers: a bridge by name, with the programs of a Debian root. */
export interface BridgeOptions {
  readonly root: string;
  /** At most 15 characters. */
  readonly bridge: string;
  readonly signal: AbortSignal;
}

/** What came of making a bridge. */
export interface Bridge {
  /** `10.213.7.0/24`. */
  readonly subnet: string;
  /** Why containers do not get out to the network; absent when they do. */
  readonly closed?: string;
}

/**
 * Makes the bridge of an engine with a subnet nothing else here uses, and an nftables table of the same name that lets its
 * containers out. Both are ours alone, so that no daemon's end takes them from another and one command removes
 * them. A bridge left over is used again.
 * @throws Error when the kernel refuses
 */
export async function makeBridge({ root, bridge, signal }: BridgeOptions): Promise<Bridge> {
  // The look for a free subnet and its taking must not be two engines' at once.
  await using held = await lock('bridge', { signal });
  void held;
  const tool = toolOf(root, signal);
  const present = subnetOf(await addresses(tool), bridge);
  const subnet = present ?? (await freeSubnet(tool, bridge));
  if (present === undefined) {
    await tool(['ip', 'link', 'delete', bridge]);
    await must(tool, ['ip', 'link', 'add', bridge, 'type', 'bridge']);
    await must(tool, ['ip', 'address', 'add', subnet.replace('.0/24', '.1/24'), 'dev', bridge]);
  }
  await must(tool, ['ip', 'link', 'set', bridge, 'up']);
  const nat = await tool(['nft', '-f', '-'], natTable(bridge, subnet));
  return { subnet, ...(nat.exitCode === 0 ? {} : { closed: nat.tail[0] ?? 'nft failed' }) };
}

/** Removes the bridge and its table; nothing when they are not there. */
export async function removeBridge({ root, bridge, signal }: BridgeOptions): Promise<void> {
  const tool = toolOf(root, signal);
  await tool(['nft', 'delete', 'table', 'ip', tableOf(bridge)]);
  await tool(['ip', 'link', 'delete', bridge]);
}

type Tool = (argv: readonly [string, ...string[]], input?: string) => Promise<CommandOutcome>;

function toolOf(root: string, signal: AbortSignal): Tool {
  return (argv, input) =>
    run({ argv: ['chroot', root, ...argv], env: ENV, ...(input === undefined ? {} : { input }) }, { signal });
}

async function must(tool: Tool, argv: readonly [string, ...string[]]): Promise<void> {
  const outcome = await tool(argv);
  if (outcome.exitCode !== 0) throw new Error(`${argv.join(' ')}: ${outcome.tail.join(' ')}`);
}

/** Lines such as `5: depot-1a2b3c4d    inet 10.213.0.1/24 …` and routes such as `10.213.0.0/24 dev …`. */
async function addresses(tool: Tool): Promise<string> {
  const [own, routes] = [
    await tool(['ip', '-4', '-o', 'address', 'show']),
    await tool(['ip', '-4', 'route', 'show', 'table', 'all']),
  ];
  return `${own.stdout}\n${routes.stdout}`;
}

function subnetOf(text: string, bridge: string): string | undefined {
  const own = new RegExp(`^\\d+: ${bridge}\\s+inet (10\\.213\\.\\d+)\\.1/24`, 'm').exec(text);
  return own?.[1] === undefined ? undefined : `${own[1]}.0/24`;
}

async function freeSubnet(tool: Tool, bridge: string): Promise<string> {
  const text = await addresses(tool);
  const start = Number.parseInt(bridge.slice(-2), 16) || 0;
  for (let step = 0; step < SUBNETS; step++) {
    const prefix = `10.213.${(start + step) % SUBNETS}.`;
    if (!text.includes(prefix)) return `${prefix}0/24`;
  }
  throw new Error('no free network of 10.213.0.0/16 is left on this machine');
}

/** nftables names take no dash. */
function tableOf(bridge: string): string {
  return bridge.replaceAll('-', '_');
}

function natTable(bridge: string, subnet: string): string {
  const table = tableOf(bridge);
  return `table ip ${table}
delete table ip ${table}
table ip ${table} {
  chain postrouting {
    type nat hook postrouting priority srcnat
    ip saddr ${subnet} oifname != "${bridge}" masquerade
  }
}
`;
}
