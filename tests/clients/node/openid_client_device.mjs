// openid-client's device flow, told nothing but an issuer, id_token signatures checked. The same orders and events as
// ../drivers/talk.py. Configuration: `client_id`, `issuer`, `scopes`.
import { createInterface } from "node:readline";
import * as client from "openid-client";

const given = JSON.parse(process.argv[2]);
const config = await client.discovery(new URL(given.issuer), given.client_id, undefined, client.None());
client.enableNonRepudiationChecks(config);
let refreshToken;

const say = (event, fields) => console.log(JSON.stringify({ event, ...fields }));

const tell = (tokens) => {
  refreshToken = tokens.refresh_token ?? refreshToken;
  say("signed_in", { access_token: tokens.access_token, claims: tokens.claims() ?? {} });
};

const orders = {
  async sign_in() {
    const scope = ["openid", "offline_access", ...given.scopes].join(" ");
    const flow = await client.initiateDeviceAuthorization(config, { scope });
    say("code", { user_code: flow.user_code, verification_uri: flow.verification_uri });
    tell(await client.pollDeviceAuthorizationGrant(config, flow));
  },
  async token() {
    tell(await client.refreshTokenGrant(config, refreshToken));
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
