// node token.mjs ISSUER CLIENT_ID SECRET|@PRIVATE.jwk RESOURCE [SCOPE]: prints an access token.
// @FILE authenticates as SMART Backend Services do, with a signed assertion (private_key_jwt, ES384 or RS384).
import {createPrivateKey, randomUUID, sign} from 'node:crypto'
import {readFileSync} from 'node:fs'
import {pathToFileURL} from 'node:url'

const b64 = v => Buffer.from(typeof v === 'string' ? v : JSON.stringify(v)).toString('base64url')

export async function token(issuer, client, secret, resource, scope) {
  const found = await fetch(issuer + '/.well-known/openid-configuration')
  if (!found.ok) throw new Error(`discovery: ${found.status}`)
  const {token_endpoint: url} = await found.json()
  const form = new URLSearchParams({grant_type: 'client_credentials'}), headers = {}
  if (resource) form.set('resource', resource)
  if (scope) form.set('scope', scope)
  if (secret.startsWith('@')) {
    const jwk = JSON.parse(readFileSync(secret.slice(1), 'utf8')), now = Math.floor(Date.now() / 1000)
    const input = b64({alg: jwk.kty === 'EC' ? 'ES384' : 'RS384', typ: 'JWT', kid: jwk.kid}) + '.'
      + b64({iss: client, sub: client, aud: url, jti: randomUUID(), iat: now, exp: now + 60})
    const signature = sign('sha384', input, {key: createPrivateKey({key: jwk, format: 'jwk'}), dsaEncoding: 'ieee-p1363'})
    form.set('client_id', client)
    form.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
    form.set('client_assertion', input + '.' + signature.toString('base64url'))
  } else headers.authorization = 'Basic ' + Buffer.from([client, secret].map(encodeURIComponent).join(':')).toString('base64')
  const res = await fetch(url, {method: 'POST', body: form, headers}), body = await res.json()
  if (!res.ok) throw new Error(`${res.status} ${body.error}: ${body.error_description}`)
  return body.access_token
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [issuer, client, secret, resource, scope] = process.argv.slice(2)
  if (!resource) { console.error('usage: token.mjs ISSUER CLIENT_ID SECRET|@PRIVATE.jwk RESOURCE [SCOPE]'); process.exit(2) }
  token(issuer, client, secret, resource, scope).then(console.log, e => { console.error(e.message); process.exit(1) })
}
