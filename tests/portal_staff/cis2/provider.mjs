// A real OpenID Connect server in the place of CIS2: RS512 assertions and PKCE are asked for, roles are claims,
// and a sign-out here is told to the portal by the back channel. Arguments: port, portal, public key file.
import { readFileSync } from "node:fs";
import { createPublicKey } from "node:crypto";
import Provider from "oidc-provider";

const [port, portal, keyFile] = process.argv.slice(2);
const issuer = `http://localhost:${port}`;
const jwk = { ...createPublicKey(readFileSync(keyFile)).export({ format: "jwk" }), kid: "test-key", alg: "RS512", use: "sig" };
const seat = (role, organisation) => ({ person_roleid: "1", role_code: role, org_code: organisation });
const people = {
  "test-gp": { name: "Alex Invented", id_assurance_level: "3", nhsid_nrbac_roles: [seat("S8000:G8000:R8000", "Z80001")] },
  "test-weak": { name: "Kim Invented", id_assurance_level: "1", nhsid_nrbac_roles: [seat("S8000:G8000:R8000", "Z80001")] },
  "test-porter": { name: "Sam Invented", id_assurance_level: "3", nhsid_nrbac_roles: [seat("S0:G0:R0", "Z80001")] },
};
const claims = ["name", "id_assurance_level", "nhsid_nrbac_roles"];

const provider = new Provider(issuer, {
  clients: [{
    client_id: "caldicott", grant_types: ["authorization_code"], response_types: ["code"],
    redirect_uris: [`${portal}/staff/sign-in/back/cis2/`], token_endpoint_auth_method: "private_key_jwt",
    token_endpoint_auth_signing_alg: "RS512", jwks: { keys: [jwk] },
    backchannel_logout_uri: `${portal}/staff/sign-out/from/cis2/`, backchannel_logout_session_required: true,
  }],
  enabledJWA: { clientAuthSigningAlgValues: ["RS512"] },
  pkce: { required: () => true },
  scopes: ["openid", "profile", "nationalrbacaccess"],
  claims: { openid: ["sub"], profile: ["name", "id_assurance_level"], nationalrbacaccess: ["nhsid_nrbac_roles"] },
  features: { backchannelLogout: { enabled: true }, devInteractions: { enabled: true } },
  cookies: { keys: ["only for tests"] },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, ...Object.fromEntries(claims.map((one) => [one, people[id]?.[one]])) }),
  }),
  // Its guard against calls to this machine would drop the logout call, which goes to this machine here.
  fetch: (address, options) => {
    const { dispatcher, signal, ...rest } = options;
    return globalThis.fetch(address, rest);
  },
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
