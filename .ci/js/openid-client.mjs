// openid-client finds our endpoints by discovery and finishes every grant.
import * as oauth from 'openid-client';
import { settings, visit, done, check, refused, username } from './talk.mjs';

const insecure = { execute: [oauth.allowInsecureRequests] };
const code = (e) => e.error;

async function byCode(config, pkce) {
  const state = oauth.randomState();
  const verifier = oauth.randomPKCECodeVerifier();
  const parameters = { redirect_uri: settings.redirect, state };
  if (pkce) {
    parameters.code_challenge = await oauth.calculatePKCECodeChallenge(verifier);
    parameters.code_challenge_method = 'S256';
  }
  const back = await visit(oauth.buildAuthorizationUrl(config, parameters));
  const checks = { expectedState: state, ...(pkce ? { pkceCodeVerifier: verifier } : {}) };
  const tokens = await oauth.authorizationCodeGrant(config, back, checks);
  await refused('invalid_grant', () => oauth.authorizationCodeGrant(config, back, checks), code);
  check((await username(tokens.access_token)) === 401, 'a code that was used twice takes its tokens along');
  const again = await visit(oauth.buildAuthorizationUrl(config, parameters));
  return oauth.authorizationCodeGrant(config, again, checks);
}

async function refreshed(config, tokens) {
  const next = await oauth.refreshTokenGrant(config, tokens.refresh_token);
  check(next.refresh_token !== tokens.refresh_token, 'the refresh token rotates');
  check((await username(next.access_token)) === settings.username, 'the new access token works');
  return next;
}

const basic = await oauth.discovery(new URL(settings.base), settings.confidential.id, {}, oauth.ClientSecretBasic(settings.confidential.secret), { ...insecure, algorithm: 'oauth2' });
const post = await oauth.discovery(new URL(settings.base), settings.confidential.id, {}, oauth.ClientSecretPost(settings.confidential.secret), insecure);
const open = await oauth.discovery(new URL(settings.base), settings.public.id, {}, oauth.None(), insecure);

for (const config of [basic, post]) {
  const tokens = await oauth.genericGrantRequest(config, 'password', { username: settings.username, password: settings.password });
  check((await username(tokens.access_token)) === settings.username, 'the access token works');
  await refused('invalid_grant', () => oauth.genericGrantRequest(config, 'password', { username: settings.username, password: 'wrong' }), code);
  const next = await refreshed(config, tokens);

  const seen = await oauth.tokenIntrospection(config, next.access_token);
  check(seen.active && seen.username === settings.username, 'introspection names the user');
  await oauth.tokenRevocation(config, next.refresh_token);
  check(!(await oauth.tokenIntrospection(config, next.access_token)).active, 'revoking ends the family');
  await refused('invalid_grant', () => oauth.refreshTokenGrant(config, next.refresh_token), code);
}

const tokens = await refreshed(basic, await byCode(basic, true));
await refreshed(post, await byCode(post, false));
await refreshed(open, await byCode(open, true));
const who = await oauth.fetchUserInfo(basic, tokens.access_token, oauth.skipSubjectCheck);
done({ sub: who.sub, username: who.preferred_username ?? who.username });
