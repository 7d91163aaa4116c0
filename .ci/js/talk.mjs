// What the clients here share: the test hands over settings as JSON in D2GATE, opens
// the address that is printed as a browser would, and writes the address that the
// answer led to on stdin.
import { createInterface } from 'node:readline';

export const settings = JSON.parse(process.env.D2GATE);

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

export async function visit(url) {
  console.log(JSON.stringify({ visit: String(url) }));
  const { value } = await lines.next();
  return new URL(value);
}

export function done(result) {
  console.log(JSON.stringify({ done: result }));
  process.exit(0);
}

export function check(ok, what) {
  if (!ok) throw new Error(what);
}

// refused runs f, which must fail with an OAuth2 error code.
export async function refused(code, f, read) {
  try {
    await f();
  } catch (e) {
    check(read(e) === code, `wanted ${code}, got ${read(e)}: ${e}`);
    return;
  }
  throw new Error(`wanted ${code}, but it worked`);
}

export async function username(accessToken) {
  const r = await fetch(`${settings.base}/api/me`, { headers: { authorization: `Bearer ${accessToken}` } });
  return r.status === 200 ? (await r.json()).username : r.status;
}
