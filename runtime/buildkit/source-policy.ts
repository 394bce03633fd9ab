import type { MessageInitShape } from '@bufbuild/protobuf';
import { fromBinary } from '@bufbuild/protobuf';
import type { SourcePolicy } from '../../planner/options/source-policy.ts';
import {
  AttrMatch,
  MatchType,
  PolicyAction,
  PolicySchema,
} from '../../proto/gen/moby/buildkit/v1/sourcepolicy/policy_pb.ts';

/** A policy as a daemon takes it. */
export type WirePolicy = MessageInitShape<typeof PolicySchema>;

/** The policy that a person has written. */
export function wirePolicy({ version, rules }: SourcePolicy): WirePolicy {
  return {
    version: BigInt(version),
    rules: rules.map(({ action, selector, updates }) => ({
      action: PolicyAction[action],
      selector: {
        identifier: selector.identifier,
        matchType: MatchType[selector.matchType],
        constraints: selector.constraints.map((one) => ({ ...one, condition: AttrMatch[one.condition] })),
      },
      ...(updates === undefined ? {} : { updates: { identifier: updates.identifier, attrs: { ...updates.attrs } } }),
    })),
  };
}

/** The first byte of a policy in protobuf: the tag of its version, or of a rule. No JSON begins with either. */
const FIRST_BYTES = [0x08, 0x12];

/** The policy that a program has written, in protobuf; undefined for anything else. */
export function binaryPolicy(bytes: Uint8Array): WirePolicy | undefined {
  if (!FIRST_BYTES.includes(bytes[0] ?? 0)) return undefined;
  try {
    return fromBinary(PolicySchema, bytes);
  } catch {
    return undefined;
  }
}
