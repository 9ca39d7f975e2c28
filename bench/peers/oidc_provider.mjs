// oidc-provider as a device-flow server for the benchmark: ES256, JWT access token + id_token + rotating refresh token.
// Usage: node oidc_provider.mjs memory|sqlite FOLDER. Prints one JSON line when it listens: { "port": N }.
//
// `POST /bench/approve user_code=…` approves by calls into the library's own store, without its pages, session or
// cookies: the cheapest approval that leaves a sign-in which can be redeemed.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { join } from "node:path";
import { Provider } from "oidc-provider";
import { sqliteAdapter } from "./sqlite_adapter.mjs";

const [store, folder] = process.argv.slice(2);
if (!["memory", "sqlite"].includes(store)) throw new Error(`unknown store: ${store}`);
process.env.NODE_ENV = "production";

const DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code";
const JWT_API = "https://jwt.bench.invalid";
const OPAQUE_API = "https://opaque.bench.invalid";
const ACCOUNT = "alice";
const SCOPE = "openid offline_access read";

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const key = { ...privateKey.export({ format: "jwk" }), kid: "bench", alg: "ES256", use: "sig" };

const server = createServer();
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const { port } = server.address();

const provider = new Provider(`http://127.0.0.1:${port}`, {
  ...(store === "sqlite" ? { adapter: sqliteAdapter(join(folder, "peer.sqlite3")) } : {}),
  jwks: { keys: [key] },
  cookies: { keys: [randomBytes(32).toString("hex")] },
  clients: [
    {
      client_id: "device",
      token_endpoint_auth_method: "none",
      grant_types: [DEVICE_CODE, "refresh_token"],
      response_types: [],
      redirect_uris: [],
      id_token_signed_response_alg: "ES256",
    },
    {
      client_id: "api",
      client_secret: "api-secret",
      grant_types: [],
      response_types: [],
      redirect_uris: [],
      id_token_signed_response_alg: "ES256",
    },
  ],
  enabledJWA: { idTokenSigningAlgValues: ["ES256", "RS256"] },
  scopes: ["openid", "offline_access"],
  rotateRefreshToken: true,
  ttl: { AccessToken: 600, IdToken: 600, DeviceCode: 300, Grant: 14400, RefreshToken: 14400 },
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id, name: "Alice", preferred_username: id }) }),
  features: {
    devInteractions: { enabled: false },
    deviceFlow: { enabled: true, mask: "****-****" },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true, allowedPolicy: () => true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => JWT_API,
      useGrantedResource: () => true,
      getResourceServerInfo: (_ctx, resource) => ({
        audience: resource,
        scope: "read",
        accessTokenTTL: 600,
        accessTokenFormat: resource === OPAQUE_API ? "opaque" : "jwt",
        jwt: { sign: { alg: "ES256" } },
      }),
    },
  },
});

async function body(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

async function approve(userCode) {
  const code = await provider.DeviceCode.findByUserCode(userCode.replace("-", ""), { ignoreExpiration: true });
  if (code === undefined || code.accountId || code.isExpired) return false;
  const resource = code.params.resource ?? JWT_API;
  const grant = new provider.Grant({ accountId: ACCOUNT, clientId: code.clientId });
  grant.addOIDCScope("openid offline_access");
  grant.addResourceScope(resource, "read");
  Object.assign(code, {
    accountId: ACCOUNT, authTime: Math.floor(Date.now() / 1000), grantId: await grant.save(), resource, scope: SCOPE,
  });
  await code.save();
  return true;
}

provider.use(async (ctx, next) => {
  if (ctx.path !== "/bench/approve" || ctx.method !== "POST") return next();
  ctx.status = (await approve((await body(ctx.req)).get("user_code"))) ? 200 : 400;
  ctx.body = {};
});
provider.on("server_error", (_ctx, error) => console.error(error));
server.on("request", provider.callback());
console.log(JSON.stringify({ port }));
