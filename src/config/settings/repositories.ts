import {
  bandwidth,
  boolean,
  choice,
  duration,
  integer,
  network,
  outboundProxy,
  searchIndex,
  secret,
  size,
  text,
  webUrl,
} from '../kinds.ts'
import { imagePattern, name } from '../name-kinds.ts'
import { authorities, tagPattern } from '../repository-kinds.ts'
import { each, list, optional, required, section, setting } from '../table.ts'

const upstream = optional('Of a proxy repository: the registry it fetches from.', {
  url: required(
    webUrl,
    'Its address, for example `https://registry-1.docker.io`; what stands before `/v2/` in its paths belongs to it.',
  ),
  username: setting(text, undefined, 'Who we log in as.'),
  password: setting(secret, undefined, 'Password, or access token.'),
  libraryPrefix: setting(
    choice(['auto', 'always', 'never']),
    'auto',
    'Whether `centos` is asked for as `library/centos`. `auto`: when it is Docker Hub.',
  ),
  index: setting(
    searchIndex,
    'auto',
    'Where a search looks for images besides those here: `upstream` (its own search), `hub` (that of Docker Hub), the URL of another index, or `none`. `auto`: `hub` when it is Docker Hub, else `upstream`.',
  ),
  namespaces: list(each(text), [], 'More registries that it stands for, as clients name them in `?ns=`.'),
  ca: setting(
    authorities,
    undefined,
    'PEM file of authorities to trust there, or their PEM text, besides those of the system and of `outbound.ca`.',
  ),
  insecure: setting(boolean, 'false', 'Accept any certificate from it.'),
  proxy: setting(outboundProxy, undefined, 'HTTP proxy for the way there, or `none`. Default: `outbound.proxy`.'),
  blocked: setting(boolean, 'false', 'Ask nothing of it: only what is cached is served.'),
  tagAge: setting(
    duration(0),
    '1m',
    'How long a tag is answered from the cache before the upstream is asked whether it has moved.',
  ),
  absenceAge: setting(duration(0), '30s', 'How long the answer that something does not exist is believed.'),
  keepFor: setting(
    duration(3_600_000),
    undefined,
    'How long what is cached is kept without being used. Default: for ever.',
  ),
  cacheSize: setting(
    size,
    undefined,
    'How many bytes the cached images may need that nothing else does; those unused for longest go. Default: any.',
  ),
  foreignLayers: setting(
    choice(['client', 'fetch']),
    'client',
    'Who gets layers that the upstream does not have and that their images name URLs for: the `client` itself, or we do (`fetch`).',
  ),
  responseTimeout: setting(duration(1), '30s', 'How long the upstream may take to begin an answer.'),
  idleTimeout: setting(duration(1), '60s', 'How long it may send nothing within an answer.'),
  maxBandwidth: setting(
    bandwidth,
    undefined,
    'What all downloads of blobs from it may take together, for example `50MB/s`. Default: no limit.',
  ),
  maxDownloads: setting(
    integer(1),
    undefined,
    'How many blobs are downloaded from it at once; others wait for their turn, `responseTimeout` at most. Default: no limit.',
  ),
})

/** A name alone is a member that is asked for every image. */
const member = section(
  'One member.',
  {
    repository: required(name, 'A member of the group; a plain name in the list is short for this.'),
    images: list(
      each(imagePattern),
      [],
      'The member is asked for these images only; `!` before a pattern takes images out. Default: all.',
    ),
    exclusive: list(
      each(imagePattern),
      [],
      'These images come from this member and from no other one, whether it has them or not.',
    ),
  },
  { shortFor: 'repository' },
)

const quota = optional('Of a hosted repository: how much may be in it. What would go beyond is refused.', {
  bytes: setting(size, undefined, 'Bytes of its blobs and manifests, each content counted once. Not set: no limit.'),
  tags: setting(integer(0), undefined, 'Tags of all its images together. Not set: no limit.'),
})

/** One repository: what the file, the command line and the database say about one. */
export const repository = section('One repository.', {
  name: required(name, 'Its name, the first segment of the images in it.'),
  format: setting(choice(['docker']), 'docker', 'What it stores.'),
  type: setting(
    choice(['hosted', 'proxy', 'group']),
    'hosted',
    'Where its content comes from: `hosted` is pushed by clients, `proxy` is fetched from `upstream` and kept, a `group` shows the content of its members.',
  ),
  online: setting(
    boolean,
    'true',
    'Whether it answers. Offline, its images are refused with 503 and groups pass it over.',
  ),
  blobStore: setting(
    name,
    'default',
    'The blob store that keeps its bytes. Once it has content, `entrepot repo move` takes that to another one.',
  ),
  writePolicy: setting(
    choice(['allow', 'allow-once', 'read-only']),
    'allow',
    'Whether tags may be pushed, pushed once and never moved, or not at all.',
  ),
  mutableTags: list(
    each(tagPattern),
    [],
    'With `writePolicy: allow-once`: tags that may be moved all the same, `latest` or `*-dev`.',
  ),
  quota,
  allowFrom: list(
    each(network),
    [],
    'Addresses and networks that it is used from, `10.0.0.0/8`; requests from elsewhere are refused, whoever sends them. Default: from everywhere.',
  ),
  description: setting(text, undefined, 'A line for people.'),
  upstream,
  members: list(member, [], 'Of a group: the repositories that are asked.'),
  writableMember: setting(
    name,
    undefined,
    'Of a group: the hosted member that pushes and deletes go to. Not set: there are none.',
  ),
})

/** Declared repositories. */
export const repositories = list(
  repository,
  [],
  'Repositories that exist from the start. `private` is added when it is the default repository and not declared.',
)
