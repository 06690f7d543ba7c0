import { boolean, choice, duration, path, signature, text, webUrl } from '../kinds.ts'
import { robotNamePattern } from '../name-kinds.ts'
import { each, list, required, section, setting } from '../table.ts'

/** `auth.token`, as distribution has it. */
export const externalTokens = {
  realm: setting(
    webUrl,
    undefined,
    'Where clients get tokens: the address of the token server. Not needed with `autoredirect`.',
  ),
  service: required(text, 'What this registry is called there; the audience of the tokens.'),
  issuer: required(text, 'Who the tokens must come from.'),
  rootcertbundle: setting(
    path,
    undefined,
    'PEM file of the certificates whose keys, or of the authorities whose certificates, sign tokens.',
  ),
  jwks: setting(path, undefined, 'JSON file with the keys that sign tokens (RFC 7517).'),
  signingalgorithms: list(
    each(signature),
    [],
    'Signatures that are accepted. Default: all that need no shared secret.',
  ),
  autoredirect: setting(boolean, 'false', 'Send clients to `autoredirectpath` on the address they came by.'),
  autoredirectpath: setting(text, '/auth/token', 'Path of the token server on our own address.'),
}

/** Tokens that we sign. */
export const tokens = section('Tokens that this registry signs itself, at `/v2/_token`.', {
  challenge: setting(
    choice(['auto', 'bearer', 'basic']),
    'auto',
    'How clients are asked to log in: for a token or for a password. Both are taken either way. `auto`: a password with `auth.htpasswd`, as registry:2 does; else a token.',
  ),
  service: setting(text, 'entrepot', 'What the registry is called in its tokens.'),
  lifetime: setting(duration(60_000), '5m', 'How long a token holds.'),
  keyLifetime: setting(duration(86_400_000), '720h', 'How long a key signs before a new one takes over.'),
  refreshLifetime: setting(
    duration(0),
    '720h',
    'How long a refresh token holds, for clients that ask for one (`offline_token`). 0: none is given.',
  ),
  identity: setting(
    boolean,
    'false',
    'Give `docker login` and `nerdctl login` a refresh token, which they keep in place of the password. Kubernetes cannot pull with it.',
  ),
})

/** Principals that are no people. */
export const robots = section('Accounts for programs.', {
  namePattern: setting(robotNamePattern, 'robot-*', 'What their names look like; `*` is what a person calls one.'),
})
