import {
  DEFAULT_FRAME_BYTES,
  DEFAULT_WINDOW_BYTES,
  ErrorCode,
  frame,
  FrameType,
  MAX_FRAME_BYTES,
  MAX_WINDOW_BYTES,
  PREFACE,
  Setting,
  settingsContent,
  uint32,
} from './frames.ts';
import { MAX_HEADER_BYTES } from './hpack.ts';
import { Http2Error } from './http2-error.ts';
import { CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES } from './receive-window.ts';

/** What each side says first: as a client the preface, then what it wants of the other. */
export function greeting({ isClient }: { readonly isClient: boolean }): readonly Uint8Array[] {
  const settings = settingsContent([
    ...(isClient ? [[Setting.enablePush, 0] as const] : []),
    [Setting.initialWindow, STREAM_WINDOW_BYTES],
    [Setting.maxHeaderList, MAX_HEADER_BYTES],
  ]);
  return [
    ...(isClient ? [PREFACE] : []),
    frame(FrameType.settings, 0, 0, settings),
    frame(FrameType.windowUpdate, 0, 0, uint32(CONNECTION_WINDOW_BYTES - DEFAULT_WINDOW_BYTES)),
  ];
}

/** What the other side wants of us; undefined: as before. */
export interface PeerSettings {
  /** Streams that may be open at once. */
  readonly maxStreams: number | undefined;
  /** What may be sent on a stream before it makes room. */
  readonly windowBytes: number | undefined;
  /** The largest content of a frame. */
  readonly maxFrameBytes: number | undefined;
}

const BYTES_EACH = 6;

/**
 * Reads the content of a SETTINGS frame, whose length is a multiple of six. Throws an {@link Http2Error} for a value that a
 * setting cannot have (RFC 9113, 6.5.2). Settings that are of no matter to us are passed over.
 */
export function readSettings(content: Buffer, { isFromServer }: { readonly isFromServer: boolean }): PeerSettings {
  const values = new Map<number, number>();
  for (let at = 0; at + BYTES_EACH <= content.length; at += BYTES_EACH) {
    const id = content.readUInt16BE(at);
    const value = content.readUInt32BE(at + 2);
    check(id, value, isFromServer);
    values.set(id, value);
  }
  return {
    maxStreams: values.get(Setting.maxStreams),
    windowBytes: values.get(Setting.initialWindow),
    maxFrameBytes: values.get(Setting.maxFrame),
  };
}

function check(id: number, value: number, isFromServer: boolean): void {
  switch (id) {
    case Setting.enablePush:
      if (value > (isFromServer ? 0 : 1)) throw new Http2Error(`ENABLE_PUSH of ${value}`, ErrorCode.protocol);
      return;
    case Setting.initialWindow:
      if (value > MAX_WINDOW_BYTES) throw new Http2Error(`a window of ${value} bytes`, ErrorCode.flowControl);
      return;
    case Setting.maxFrame:
      if (value < DEFAULT_FRAME_BYTES || value > MAX_FRAME_BYTES)
        throw new Http2Error(`a limit for frames of ${value} bytes`, ErrorCode.protocol);
  }
}
