// A certified OpenID provider on loopback with its own pages for development, which
// work without script. It vouches for whoever is typed in.
import Provider from 'oidc-provider';
import { createServer } from 'node:http';

const { port, client, secret, redirect } = JSON.parse(process.env.D2GATE);
const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [{ client_id: client, client_secret: secret, redirect_uris: [redirect], response_types: ['code'], grant_types: ['authorization_code'] }],
  claims: { openid: ['sub'], profile: ['preferred_username'], email: ['email'] },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, preferred_username: sub, email: `${sub}@example.org` }) }),
  pkce: { required: () => true },
  cookies: { keys: ['for tests alone'] },
});
const server = createServer(provider.callback());
server.listen(port, '127.0.0.1', () => console.log(JSON.stringify({ ready: issuer })));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0)); // the test has ended
