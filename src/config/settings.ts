import {
  boolean,
  choice,
  database,
  duration,
  integer,
  outboundProxy,
  outboundTarget,
  path,
  secret,
  text,
  webUrl,
} from './kinds.ts'
import { name } from './name-kinds.ts'
import { anonymous, grants, passwords, proxyIdentity, roles, users } from './settings/access.ts'
import { audit } from './settings/audit.ts'
import { connectors } from './settings/connectors.ts'
import { http } from './settings/http.ts'
import { ldap } from './settings/ldap.ts'
import { log } from './settings/log.ts'
import { oidc, sessions } from './settings/oidc.ts'
import { repositories } from './settings/repositories.ts'
import { secrets } from './settings/secrets.ts'
import { blobStores, storage } from './settings/storage.ts'
import { externalTokens, robots, tokens } from './settings/tokens.ts'
import { each, ignored, list, optional, refused, required, section, setting, type ValueOf } from './table.ts'

const auth = optional(
  'Who may enter. Not set: the first start creates a user `admin` and prints its password.',
  {
    none: optional('Everyone may do everything. Written as `auth: none`.', {}),
    htpasswd: optional('The users of a password file, who may do everything unless the file has grants.', {
      realm: setting(text, 'Registry Realm', 'What clients are told they log in to.'),
      path: required(path, 'The file, with bcrypt hashes as `htpasswd -B` writes them. Read again when it changes.'),
    }),
    token: optional('Whoever has a token of another server, who may do what it says.', externalTokens),
    silly: refused('use auth.none for a registry that is open to everyone, or auth.htpasswd'),
  },
  { byWord: true },
)

const later = (instead: string) => refused(`leave it out; ${instead}`)

/**
 * Every setting there is, and the only place that knows them: the type of the configuration, the names of the environment variables,
 * `--help` and docs/configuration.md come from here. Keys are those of distribution's `config.yml`, and ours beside them.
 */
export const settings = section('', {
  version: setting(choice(['0.1']), '0.1', "Version of the file's form. No variable changes it."),
  dataDir: setting(
    path,
    './data',
    'Folder of everything that has no place of its own: the database, blobs, first password. When only `storage.filesystem.rootdirectory` is written: `entrepot` in that folder.',
  ),
  database: setting(
    database,
    undefined,
    'Where metadata lives: `sqlite:PATH` or `postgres://user:password@host/name`. Default: `entrepot.db` in `dataDir`.',
  ),
  defaultRepository: setting(name, 'private', 'The repository that serves images whose first segment names none.'),
  log,
  http,
  auth,
  proxyIdentity,
  passwords,
  ldap,
  tokens,
  robots,
  storage,
  blobStores,
  repositories,
  connectors,
  users,
  roles,
  grants,
  anonymous,
  proxy: section(
    "registry:2's way to say that the default repository is a proxy; it is then named `proxy`, and tags are asked for at every pull.",
    {
      remoteurl: setting(webUrl, undefined, 'The registry it fetches from. Not set: there is no such proxy.'),
      username: setting(text, undefined, 'Who we log in as.'),
      password: setting(secret, undefined, 'Password, or access token.'),
      ttl: setting(
        duration(0),
        '168h',
        'How long what was fetched is kept without being used, as `upstream.keepFor` of a repository; 0: for ever.',
      ),
      exec: refused(
        'no program is run for credentials: write proxy.username and proxy.password, or set REGISTRY_PROXY_PASSWORD from what the program prints',
      ),
    },
  ),
  outbound: section('Requests that we make ourselves: to the upstreams of proxy repositories.', {
    proxy: setting(
      outboundProxy,
      undefined,
      'HTTP proxy for all of them. Default: what `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY` say.',
    ),
    noProxy: list(
      each(text),
      [],
      'Reached without it: `corp.example.com` and what is below it, `.corp.local`, `10.0.0.0/8`, `host:5000`, `*`. Default: what `NO_PROXY` says.',
    ),
    ca: setting(path, undefined, 'PEM file of authorities to trust besides those of the system.'),
    allow: list(
      each(outboundTarget),
      [],
      'Hosts, addresses and ranges that may be reached although they are refused otherwise: link-local and metadata addresses, and private ones where an image names the URL.',
    ),
  }),
  audit,
  secrets,
  oidc,
  sessions,
  web: section('The web page.', {
    enabled: setting(boolean, 'true', 'Serve it at `/`. The REST API is there without it too.'),
  }),
  catalog: section('The list of images.', {
    maxentries: setting(integer(1), '1000', 'Most entries that one page of `_catalog` may ask for.'),
  }),
  tags: section('Lists of tags.', {
    maxtags: setting(integer(1), '1000', 'Most tags on one page.'),
  }),
  validation: section('What a pushed manifest must fulfil.', {
    disabled: setting(boolean, 'false', 'Accept manifests whose layers are not here.'),
    enabled: ignored('write validation.disabled'),
    manifests: ignored('manifests may carry URLs and may leave out platforms'),
  }),

  middleware: later('no middleware can be loaded'),
  replication: later('copy images with a client such as skopeo'),
  webhooks: later('nothing is sent to other servers'),
  jobs: later('jobs run with fixed settings'),

  loglevel: ignored('write log.level'),
  notifications: ignored('nothing is sent to other servers'),
  redis: ignored('instances meet in the database'),
  health: ignored('/healthz and /readyz are always there'),
  reporting: ignored('nothing is sent to other servers'),
  compatibility: ignored('manifests of schema 1 are not accepted'),
  policy: ignored('repositories take every kind of image'),
})

/** What the table alone makes of a file and the variables; `load.ts` turns it into a `Config`. */
export type Settings = NonNullable<ValueOf<typeof settings>>
