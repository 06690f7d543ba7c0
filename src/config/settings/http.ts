import {
  address,
  boolean,
  choice,
  duration,
  headerName,
  headerValue,
  hostName,
  network,
  path,
  prefix,
  secret,
  text,
  webUrl,
} from '../kinds.ts'
import { each, ignored, list, mapping, section, setting } from '../table.ts'

/** Loopback, RFC 1918 and RFC 4193 private ranges, link-local. */
export const nearby = [
  '127.0.0.0/8',
  '::1/128',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  'fc00::/7',
  '169.254.0.0/16',
  'fe80::/10',
]

const tls = section('HTTPS on the main listener. Without a certificate it speaks plain HTTP.', {
  certificate: setting(path, undefined, 'PEM file with the certificate and the intermediate ones after it.'),
  key: setting(path, undefined, 'PEM file with the private key of the certificate.'),
  clientcas: list(each(path), [], 'PEM files of the authorities whose client certificates are accepted.'),
  clientauth: setting(
    choice([
      'request-client-cert',
      'require-any-client-cert',
      'verify-client-cert-if-given',
      'require-and-verify-client-cert',
    ]),
    'require-and-verify-client-cert',
    'What is asked of clients when `clientcas` is set.',
  ),
  minimumtls: setting(choice(['tls1.0', 'tls1.1', 'tls1.2', 'tls1.3']), 'tls1.2', 'Oldest TLS version that is spoken.'),
  ciphersuites: list(each(text), [], 'Cipher suites for TLS 1.2 and older, best first. Empty: the safe ones.'),
  letsencrypt: section(
    'A certificate from an ACME authority, got and renewed without anyone doing anything, instead of files.',
    {
      hosts: list(each(hostName), [], 'Names to get a certificate for. Empty: none is asked for.'),
      email: setting(text, undefined, 'Where the authority writes to when something is wrong.'),
      directoryurl: setting(
        webUrl,
        'https://acme-v02.api.letsencrypt.org/directory',
        'Directory of the authority. Its own certificate must be trusted: `outbound.ca`.',
      ),
      challengeaddr: setting(
        address,
        ':80',
        'Where its challenges are answered (http-01): it must reach this as port 80 of each host. Everyone else is sent to HTTPS.',
      ),
      cachefile: ignored('the certificate and its keys are kept in the folder acme of dataDir'),
    },
  ),
})

/** Listening and what clients see. */
export const http = section('Listening, TLS, and what stands between the clients and this process.', {
  addr: setting(
    address,
    ':5000',
    'Where to listen: `host:port`, `:port` for every interface, or the path of a socket when `net` is unix.',
  ),
  net: setting(choice(['tcp', 'unix']), 'tcp', 'Listen on a port or on a unix socket.'),
  host: setting(
    webUrl,
    undefined,
    'Address under which clients reach the registry, `https://hub.example.com`, when it cannot be told from the request.',
  ),
  prefix: setting(prefix, '', 'Path before `/v2/`, `/registry/`.'),
  secret: setting(
    secret,
    undefined,
    'Accepted for the sake of old files; uploads are kept in the database and need no signature.',
  ),
  relativeurls: setting(boolean, 'false', 'Send `Location` headers without scheme and host.'),
  draintimeout: setting(duration(0), '30s', 'How long running requests may take to finish after SIGTERM.'),
  idleTimeout: setting(
    duration(1000),
    '2m',
    'A connection on which no byte moved for this long is cut. Slow ones are not.',
  ),
  trustedProxies: list(
    each(network),
    nearby,
    'Addresses and ranges whose `Forwarded` and `X-Forwarded-*` headers are believed: by default loopback, private and link-local ones.',
  ),
  headers: mapping(
    headerName,
    list(each(headerValue), [], ''),
    'A header that every answer carries; a list of values.',
    {
      keyLabel: '<Header-Name>',
      keepCase: true,
    },
  ),
  tls,
  debug: section('A second listener for operators.', {
    addr: setting(address, undefined, 'Where it listens. Not set: there is none.'),
    prometheus: section('Metrics on it.', {
      enabled: setting(boolean, 'false', 'Serve metrics there.'),
      path: setting(prefix, '/metrics', 'Path of the metrics.'),
    }),
  }),
  http2: ignored('data goes over HTTP/1.1'),
  h2c: ignored('data goes over HTTP/1.1'),
})
