import { describe, expect, it } from 'vitest';
import { WireReader } from '../../src/transport/wire-reader.js';

describe('a reader of the wire format', () => {
  it('reads numbers and strings one after the other', () => {
    const reader = new WireReader(Buffer.from([9, 0, 0, 1, 2, 0, 0, 0, 2, 0x68, 0x69, 0, 0, 0, 0]));
    reader.skip(1);
    expect(reader.uint32()).toBe(258);
    expect(reader.string().toString()).toBe('hi');
    expect(reader.string()).toHaveLength(0);
    expect(reader.left).toBe(0);
  });

  it('throws on a value that goes on behind the end, however long it says it is', () => {
    expect(() => new WireReader(Buffer.from([0, 0])).uint32()).toThrow(RangeError);
    expect(() => new WireReader(Buffer.from([0xff, 0xff, 0xff, 0xff, 1])).string()).toThrow(RangeError);
  });
});
