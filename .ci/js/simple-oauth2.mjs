// simple-oauth2 speaks to the paths of DHIS2 up to 2.41 and finishes every grant.
import { AuthorizationCode, ResourceOwnerPassword } from 'simple-oauth2';
import { settings, visit, done, check, refused, username } from './talk.mjs';

const code = (e) => e.data?.payload?.error;
const config = {
  client: settings.confidential,
  http: { json: true }, // the answer to a revocation has no body
  auth: { tokenHost: settings.base, tokenPath: '/uaa/oauth/token', revokePath: '/oauth2/revoke' },
};

async function refreshedAndRevoked(first) {
  check((await username(first.token.access_token)) === settings.username, 'the access token works');
  const next = await first.refresh();
  check(next.token.refresh_token !== first.token.refresh_token, 'the refresh token rotates');
  check((await username(next.token.access_token)) === settings.username, 'the new access token works');
  await next.revokeAll();
  check((await username(next.token.access_token)) === 401, 'a revoked token is over');
}

const byPassword = new ResourceOwnerPassword(config);
await refreshedAndRevoked(await byPassword.getToken({ username: settings.username, password: settings.password, scope: 'ALL' }));
await refused('invalid_grant', () => byPassword.getToken({ username: settings.username, password: 'wrong' }), code);

const byCode = new AuthorizationCode({ ...config, auth: { ...config.auth, authorizePath: '/uaa/oauth/authorize' } });
const back = await visit(byCode.authorizeURL({ redirect_uri: settings.redirect, state: 'a b/ü' }));
check(back.searchParams.get('state') === 'a b/ü', 'the state comes back as it was');
const exchange = { code: back.searchParams.get('code'), redirect_uri: settings.redirect };
await refreshedAndRevoked(await byCode.getToken(exchange));
await refused('invalid_grant', () => byCode.getToken(exchange), code);

const wrong = new ResourceOwnerPassword({ ...config, client: { id: settings.confidential.id, secret: 'wrong' } });
await refused('invalid_client', () => wrong.getToken({ username: settings.username, password: settings.password }), code);
done({});
