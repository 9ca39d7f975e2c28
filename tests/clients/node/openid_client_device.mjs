// openid-client's device flow, told nothing but an issuer, id_token signatures checked. The same orders and events as
// ../drivers/talk.py. Configuration: `client_id`, `issuer`, `scopes`; with `dpop` it proves a key of its own, and takes
// the order `use`: userinfo, and the address `api`, with its token.
import { createInterface } from "node:readline";
import * as client from "openid-client";

const given = JSON.parse(process.argv[2]);
const config = await client.discovery(new URL(given.issuer), given.client_id, undefined, client.None());
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
