// The clinic's identity provider: npm's oidc-provider. Prints `ready http://127.0.0.1:PORT` (the issuer) once it serves.
//   node idp.mjs [--port 0] --resource URL … [--clients FILE.json] [--ttl 300] [--issuer URL] [--tls CERT KEY]
// client_credentials: RS256 JWT access tokens (typ at+jwt) whose aud is the asked-for resource, the first one if none is.
// A client with `redirect_uris` logs people in by the authorization code flow with PKCE (openid): `logs_in` says whom, at once, instead of
// a form that a script can't fill: {sub, acr, amr}.
// A client with `act_for` gets a person's token: **this example stands in for the interactive log-in**, which a script can't do.
// SIGHUP makes a new signing key; the former keys stay in the JWKS. The clients file is read again then, too.
import {createHash, generateKeyPairSync, randomBytes} from 'node:crypto'
import {readFileSync} from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import {parseArgs} from 'node:util'

console.info = console.warn = () => {}                // the library's notices; stdout is for `ready` alone
const {Provider, errors} = await import('oidc-provider')

const {values: opt, positionals} = parseArgs({allowPositionals: true, options: {
  port: {type: 'string', default: '0'}, clients: {type: 'string'}, resource: {type: 'string', multiple: true, default: []},
  ttl: {type: 'string', default: '300'}, issuer: {type: 'string'}, tls: {type: 'boolean'}}})

const SCOPES = ['system/*.rs', 'system/*.cruds', 'user/*.rs', 'user/*.cruds', 'patient/*.rs', 'launch/patient']
const RESERVED = new Set(['iss', 'aud', 'exp', 'iat', 'jti', 'scope', 'cnf'])

function newKey() {
  const jwk = generateKeyPairSync('rsa', {modulusLength: 2048}).privateKey.export({format: 'jwk'})
  const kid = createHash('sha256').update(JSON.stringify({e: jwk.e, kty: jwk.kty, n: jwk.n})).digest('base64url')   // RFC 7638
  return {...jwk, kid, use: 'sig', alg: 'RS256'}
}
let keys = [newKey()], handle
const cookieKey = randomBytes(32).toString('hex')

function client({client_id, client_secret, jwks, claims, act_for, scope, redirect_uris, logs_in}, people) {
  if (!client_id || !client_secret === !jwks) throw new Error(`client ${client_id}: client_secret or jwks, one of them`)
  for (const k of Object.keys({...claims, ...act_for?.claims})) if (RESERVED.has(k)) throw new Error(`client ${client_id}: ${k} is not for a claim`)
  people.set(client_id, {claims, act_for, logs_in})
  if (redirect_uris) return {client_id, client_secret, redirect_uris, grant_types: ['authorization_code'], response_types: ['code'],
    application_type: redirect_uris.some(u => u.startsWith('http:')) ? 'native' : 'web', token_endpoint_auth_method: 'client_secret_post'}
  return {client_id, grant_types: ['client_credentials'], response_types: [], redirect_uris: [], ...(scope && {scope}),
    ...(jwks ? {jwks, token_endpoint_auth_method: 'private_key_jwt'} : {client_secret, token_endpoint_auth_method: 'client_secret_basic'})}
}

function build(issuer) {
  const people = new Map()
  const clients = opt.clients ? JSON.parse(readFileSync(opt.clients, 'utf8')).map(c => client(c, people)) : []
  const provider = new Provider(issuer, {
    clients, jwks: {keys}, cookies: {keys: [cookieKey]}, scopes: ['openid', ...SCOPES],
    claims: {acr: null, amr: null, auth_time: null, iss: null, sid: null, openid: ['sub', 'acr', 'amr']}, acrValues: ['mfa', 'pwd'],
    pkce: {required: () => true}, conformIdTokenClaims: false,
    findAccount: (ctx, id) => ({accountId: id, claims: () => ({sub: id})}),
    interactions: {url: (ctx, interaction) => `/interaction/${interaction.uid}`},
    responseTypes: ['code'], ttl: {ClientCredentials: Number(opt.ttl)},
    enabledJWA: {clientAuthSigningAlgValues: ['RS256', 'RS384', 'ES256', 'ES384', 'PS256']},   // SMART asks for RS384 and ES384
    features: {
      devInteractions: {enabled: false}, userinfo: {enabled: false}, clientCredentials: {enabled: true},
      resourceIndicators: {enabled: true, defaultResource: (ctx, of) => of?.redirectUris?.length ? undefined : opt.resource[0],
        getResourceServerInfo(ctx, resource) {
          if (!opt.resource.includes(resource)) throw new errors.InvalidTarget()
          return {audience: resource, scope: SCOPES.join(' '), accessTokenFormat: 'jwt', jwt: {sign: {alg: 'RS256'}}}
        }},
    },
    extraTokenClaims: (ctx, token) => people.get(token.clientId)?.claims,
    // act_for: the token says a person's `sub`, as if they had logged in to the client it names
    formats: {customizers: {jwt(ctx, token, jwt) {
      const who = people.get(token.clientId)?.act_for
      if (who) Object.assign(jwt.payload, who.claims, {sub: who.sub, client_id: who.client_id ?? token.clientId, auth_time: jwt.payload.iat})
    }}},
  })
  provider.proxy = true
  const callback = provider.callback()
  return (req, res) => req.url.startsWith('/interaction/') ? interact(provider, people, req, res) : callback(req, res)
}

/** What the provider would ask a person, answered at once: who they are, and that they agree. */
async function interact(provider, people, req, res) {
  try {
    const {prompt, params, session, grantId} = await provider.interactionDetails(req, res)
    const who = people.get(params.client_id)?.logs_in
    if (!who) throw new Error('this client logs nobody in')
    if (prompt.name === 'login') return await provider.interactionFinished(req, res, {login: {accountId: who.sub, acr: who.acr, amr: who.amr}})
    const grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant({accountId: session.accountId, clientId: params.client_id})
    grant.addOIDCScope('openid')
    grant.addOIDCClaims(['acr', 'amr'])
    await provider.interactionFinished(req, res, {consent: {grantId: await grant.save()}}, {mergeWithLastSubmission: true})
  } catch (e) { res.writeHead(400).end(String(e.message)) }
}

const serve = (req, res) => handle(req, res)
const server = opt.tls ? https.createServer({cert: readFileSync(positionals[0]), key: readFileSync(positionals[1])}, serve) : http.createServer(serve)
server.listen(Number(opt.port), '127.0.0.1', () => {
  const issuer = opt.issuer ?? `${opt.tls ? 'https' : 'http'}://127.0.0.1:${server.address().port}`
  handle = build(issuer)
  process.on('SIGHUP', () => {
    const before = keys
    try { keys = [newKey(), ...keys]; handle = build(issuer); console.log(`rotated ${keys[0].kid}`) }
    catch (e) { keys = before; console.error(`kept as it was: ${e.message}`) }
  })
  console.log(`ready ${issuer}`)
})
for (const s of ['SIGTERM', 'SIGINT']) process.on(s, () => process.exit(0))
