import type { Pack } from '../git/pack.js';

/** What is to land, and how. Ids are checked; nothing here needs quoting. */
export interface LandRequest {
  readonly mode: 'land' | 'dry';
  readonly tree: string;
  readonly have: string | null;
  /** The tree's parentless commit, where the pack holds it. */
  readonly landing: string | null;
  /** Where the tree is not in the pack: what to make it of over there. */
  readonly patch: { readonly from: string; readonly text: string } | null;
  readonly rules: string | null;
  readonly drift: 'save' | 'refuse';
  readonly adopt: boolean;
  readonly shared: boolean;
  /** Names this working tree on this machine, so that the sidecar knows it again. */
  readonly origin: string;
  readonly head: string | null;
}

/** The request to land a tree, once the pack has come that follows it. */
export function landLine(request: LandRequest, pack: Pack | null): string {
  const { mode, tree, landing, patch, rules, drift, shared, head } = request;
  return line('land', {
    mode,
    tree,
    landing,
    ...(patch === null ? {} : { from: patch.from, patch: patch.text }),
    rules,
    drift,
    shared,
    head,
    ...common(request, pack),
  });
}

/** The request to take in a pack before it is known what is to land. */
export function aheadLine(request: Pick<LandRequest, 'adopt' | 'origin'>, pack: Pack): string {
  return line('ahead', common({ ...request, have: null }, pack));
}

const common = ({ have, adopt, origin }: Pick<LandRequest, 'have' | 'adopt' | 'origin'>, pack: Pack | null) => ({
  have,
  adopt,
  origin,
  pack: pack === null ? 'none' : pack.small ? 'unpack' : 'index',
});

/** A word, and what belongs to it as `key=value`: `-` for what there is not, `1` and `0` for yes and no. */
function line(word: string, pairs: Readonly<Record<string, string | boolean | null>>): string {
  const said = Object.entries(pairs).map(([key, value]) => `${key}=${value === null ? '-' : plain(value)}`);
  return [word, ...said].join(' ');
}

const plain = (value: string | boolean): string => (typeof value === 'string' ? value : value ? '1' : '0');
