// openid-client's device flow, told nothing but an issuer, id_token signatures checked. The same orders and events as
// ../drivers/talk.py. Configuration: `client_id`, `issuer`, `scopes`; with `dpop` it proves a key of its own, with
// `certificate` and `key` (files) it comes with a TLS client certificate where the server has an address for that, and
// takes the order `use`: userinfo, and the address `api`, with its token.
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { createInterface } from "node:readline";
import * as client from "openid-client";

const given = JSON.parse(process.argv[2]);

// What the library asks of whoever has a certificate: its own `customFetch`, over a connection that shows one.
const overTls = (url, { body, headers, method, signal }) =>
  new Promise((resolve, reject) => {
    const pair = { cert: readFileSync(given.certificate), key: readFileSync(given.key) };
    const asking = request(url, { method, signal, headers, ...pair }, async (answer) => {
      const parts = [];
      for await (const part of answer) parts.push(part);
      resolve(new Response(Buffer.concat(parts), { status: answer.statusCode, headers: answer.headers }));
    });
    asking.on("error", reject).end(body === undefined || body === null ? undefined : body.toString());
  });

const metadata = given.certificate ? { use_mtls_endpoint_aliases: true } : undefined;
const options = given.certificate ? { [client.customFetch]: overTls } : undefined;
const config = await client.discovery(new URL(given.issuer), given.client_id, metadata, client.None(), options);
client.enableNonRepudiationChecks(config);
const key = given.dpop ? { DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair()) } : undefined;
let refreshToken;
let kept;

const say = (event, fields) => console.log(JSON.stringify({ event, ...fields }));

const tell = (tokens) => {
  refreshToken = tokens.refresh_token ?? refreshToken;
  kept = tokens;
  say("signed_in", { access_token: tokens.access_token, claims: tokens.claims() ?? {} });
};

const orders = {
  async sign_in() {
    const scope = ["openid", "offline_access", ...given.scopes].join(" ");
    const flow = await client.initiateDeviceAuthorization(config, { scope });
    say("code", { user_code: flow.user_code, verification_uri: flow.verification_uri });
    tell(await client.pollDeviceAuthorizationGrant(config, flow, undefined, key));
  },
  async token() {
    tell(await client.refreshTokenGrant(config, refreshToken, undefined, key));
  },
  async use() {
    const about = await client.fetchUserInfo(config, kept.access_token, kept.claims().sub, key);
    const api = await client.fetchProtectedResource(config, kept.access_token, new URL(given.api), "GET", null, null, key);
    say("used", { token_type: kept.token_type, about, status: api.status, body: await api.json() });
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  try {
    await orders[line.trim()]();
  } catch (refused) {
    if (!(refused instanceof client.ResponseBodyError)) throw refused;
    say("refused", { error: refused.error, description: refused.error_description ?? "" });
  }
}
