// An identity provider as the tests need one: the certified oidc-provider, a sign-in page with one field, nobody's data.
// node provider.mjs '{"port": 8400, "clients": [...]}'
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const { port, clients } = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;

const key = (kind, options, alg) => ({
  ...generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: alg,
});

const provider = new Provider(issuer, {
  clients,
  jwks: { keys: [key('ec', { namedCurve: 'P-256' }, 'ES256'), key('rsa', { modulusLength: 2048 }, 'RS256')] },
  acrValues: ['eidas1'],
  claims: { openid: ['sub'], acr: null },
  cookies: { keys: ['of the tests'] },
  features: {
    devInteractions: { enabled: false },
    jwtUserinfo: { enabled: true },
    rpInitiatedLogout: { enabled: true, logoutSource },
  },
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  loadExistingGrant,
  renderError: (ctx, out) => { ctx.body = page('Error', `<p>${out.error}</p>`); },
});

// Whoever signs in has consented.
async function loadExistingGrant(ctx) {
  const { client, session } = ctx.oidc;
  const known = session.grantIdFor(client.clientId);
  if (known) return provider.Grant.find(known);
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope('openid');
  await grant.save();
  return grant;
}

function logoutSource(ctx, form) {
  const button = '<button form="op.logoutForm" name="logout" value="yes">Sign out here too</button>';
  ctx.body = page('Sign out of the provider', form + button);
}

function page(title, body) {
  return `<!doctype html><html lang="en"><title>${title}</title><h1>${title}</h1>${body}</html>`;
}

const signIn = page('Who are you?', `<form method="post"><label>Name <input name="name"></label>
<button name="answer" value="yes">Sign in</button><button name="answer" value="no">Refuse</button></form>`);

async function interaction(request, response) {
  const parts = [];
  for await (const part of request) parts.push(part);
  const given = new URLSearchParams(Buffer.concat(parts).toString());
  if (request.method !== 'POST') {
    response.setHeader('Content-Type', 'text/html');
    response.end(signIn);
  } else if (given.get('answer') === 'yes') {
    await provider.interactionFinished(request, response, { login: { accountId: given.get('name'), acr: 'eidas1' } });
  } else {
    await provider.interactionFinished(request, response, { error: 'access_denied' });
  }
}

const answer = provider.callback();
createServer((request, response) => {
  if (request.url.startsWith('/interaction/')) {
    interaction(request, response).catch((error) => { response.statusCode = 500; response.end(String(error)); });
  } else {
    answer(request, response);
  }
}).listen(port, '127.0.0.1');
