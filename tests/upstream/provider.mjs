// oidc-provider as somebody else's sign-in, with a page of two fields: who, and with what proof. Usage:
//   node provider.mjs PORT ORIGIN NAME   (a free port for 0; ORIGIN is the house's; NAME is the provider's name there)
// Prints one JSON line when it listens: { "port": N }. The tests' hands, on the same port:
//   POST /test/account  {"id", "claims", "disabled"}   what it says of somebody from now on
//   POST /test/logout   {"sub", "sid"}                 sends a back-channel logout token, as it would at a sign-out
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const [wanted, origin, name] = process.argv.slice(2);
process.env.NODE_ENV = "production";

const accounts = new Map();
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const key = { ...privateKey.export({ format: "jwk" }), kid: randomBytes(4).toString("hex"), alg: "RS256", use: "sig" };

const server = createServer();
await new Promise((listening) => server.listen(Number(wanted), "127.0.0.1", listening));
const { port } = server.address();

const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks: { keys: [key] },
  cookies: { keys: [randomBytes(32).toString("hex")] },
  clients: [{
    client_id: "ostiary",
    client_secret: "a secret with % and + in it",
    grant_types: ["authorization_code", "refresh_token"],
    redirect_uris: [`${origin}/signin/upstream/${name}/callback`],
    backchannel_logout_uri: `${origin}/signin/upstream/${name}/backchannel_logout`,
    backchannel_logout_session_required: true,
  }],
  acrValues: ["urn:test:pwd", "urn:test:mfa", "urn:test:phr"],
  claims: {
    acr: null, amr: null, auth_time: null, iss: null, sid: null, openid: ["sub"],
    profile: ["name", "preferred_username"], email: ["email", "email_verified"],
    groups: ["groups", "hasgroups", "_claim_names"],
  },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: () => true,
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  ttl: { AccessToken: 600, IdToken: 600, Grant: 14400, RefreshToken: 14400, Session: 14400, Interaction: 600 },
  findAccount: (_ctx, id) => {
    const account = accounts.get(id);
    if (account === undefined || account.disabled) return undefined;
    return { accountId: id, claims: () => ({ sub: id, ...account.claims }) };
  },
  loadExistingGrant: async (ctx) => {
    const grant = new provider.Grant({ accountId: ctx.oidc.session.accountId, clientId: ctx.oidc.client.clientId });
    grant.addOIDCScope(ctx.oidc.params.scope);
    await grant.save();
    return grant;
  },
  fetch: (url, { dispatcher: _guard, ...options }) => globalThis.fetch(url, options), // the house is at loopback
  features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
});

async function body(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const page = (uid) => `<!doctype html><html lang="en"><title>Somebody else</title><h1>Somebody else</h1>
<form method="post" action="/interaction/${uid}"><label>Who <input name="login"></label>
<label>Proof <input name="acr" value="urn:test:mfa"></label><button>Sign in there</button></form></html>`;

provider.use(async (ctx, next) => {
  if (ctx.path.startsWith("/interaction/")) {
    const details = await provider.interactionDetails(ctx.req, ctx.res);
    if (ctx.method === "GET") {
      ctx.type = "html";
      ctx.body = page(details.uid);
      return;
    }
    const form = new URLSearchParams(await body(ctx.req));
    const account = accounts.get(form.get("login"));
    const result = account && !account.disabled
      ? { login: { accountId: form.get("login"), acr: form.get("acr"), amr: ["pwd"], remember: true } }
      : { error: "access_denied", error_description: "nobody of that name" };
    const to = await provider.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission: false });
    ctx.redirect(to);
    return;
  }
  if (ctx.path === "/test/account") {
    const told = JSON.parse(await body(ctx.req));
    accounts.set(told.id, { claims: told.claims ?? {}, disabled: told.disabled ?? false });
    ctx.body = {};
    return;
  }
  if (ctx.path === "/test/logout") {
    const { sub, sid } = JSON.parse(await body(ctx.req));
    const client = await provider.Client.find("ostiary");
    try {
      await client.backchannelLogout(sub, sid);
      ctx.body = {};
    } catch (error) {
      ctx.status = 502;
      ctx.body = { error: `${error} ${error.cause ?? ""}` };
    }
    return;
  }
  await next();
});
provider.on("server_error", (_ctx, error) => console.error(error));
provider.on("grant.error", (_ctx, error) => console.error(error.error, error.error_description, error.error_detail));
server.on("request", provider.callback());
console.log(JSON.stringify({ port }));
