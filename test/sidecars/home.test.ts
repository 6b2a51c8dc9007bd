import { describe, expect, it } from 'vitest';
import { stateHome } from '../../src/sidecars/home.js';

describe('stateHome', () => {
  const linux = { platform: 'linux', homeDir: '/home/ada' } as const;

  it('keeps everything in SIDECAR_HOME when it is set', () => {
    const env = { SIDECAR_HOME: '/srv/sidecar', XDG_STATE_HOME: '/state', XDG_CONFIG_HOME: '/config' };
    expect(stateHome({ ...linux, env })).toEqual({ stateDir: '/srv/sidecar', configDir: '/srv/sidecar' });
  });

  it('makes a relative SIDECAR_HOME absolute, so that a change of directory cannot move it', () => {
    expect(stateHome({ ...linux, env: { SIDECAR_HOME: 'here' } }).stateDir).toBe(`${process.cwd()}/here`);
  });

  it('takes an empty SIDECAR_HOME as unset', () => {
    expect(stateHome({ ...linux, env: { SIDECAR_HOME: '' } }).stateDir).toBe('/home/ada/.local/state/sidecar');
  });

  it('follows the XDG directories on Linux', () => {
    const env = { XDG_STATE_HOME: '/state', XDG_CONFIG_HOME: '/config' };
    expect(stateHome({ ...linux, env })).toEqual({ stateDir: '/state/sidecar', configDir: '/config/sidecar' });
  });

  it('uses the XDG defaults when they are unset, empty or relative', () => {
    const defaults = { stateDir: '/home/ada/.local/state/sidecar', configDir: '/home/ada/.config/sidecar' };
    expect(stateHome({ ...linux, env: {} })).toEqual(defaults);
    expect(stateHome({ ...linux, env: { XDG_STATE_HOME: '', XDG_CONFIG_HOME: 'config' } })).toEqual(defaults);
  });

  it("uses the platform's own place on macOS", () => {
    const place = '/Users/ada/Library/Application Support/sidecar';
    const env = { XDG_STATE_HOME: '/state' };
    expect(stateHome({ env, platform: 'darwin', homeDir: '/Users/ada' })).toEqual({
      stateDir: place,
      configDir: place,
    });
  });

  it("uses the platform's own place on Windows", () => {
    const windows = { platform: 'win32', homeDir: 'C:\\Users\\ada' } as const;
    const env = { LOCALAPPDATA: 'D:\\Data' };
    expect(stateHome({ ...windows, env })).toEqual({ stateDir: 'D:\\Data\\sidecar', configDir: 'D:\\Data\\sidecar' });
    expect(stateHome({ ...windows, env: {} }).stateDir).toBe('C:\\Users\\ada\\AppData\\Local\\sidecar');
  });
});
