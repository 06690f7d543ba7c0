import { boolean, duration, integer, path } from '../kinds.ts'
import { name } from '../name-kinds.ts'
import { ignored, mapping, optional, refused, section, setting } from '../table.ts'

const filesystem = {
  rootdirectory: setting(path, undefined, 'Folder of the blobs, laid out as registry:2 does.'),
  maxthreads: setting(integer(1), '100', 'File operations under way at once.'),
}
const drivers = {
  filesystem: optional('Blobs in a local folder.', filesystem),
  inmemory: optional('Blobs in memory, gone when the process ends. For trying things out.', {}),
}

const elsewhere = refused('keep blobs in a folder for now: storage.filesystem.rootdirectory')
const missing = {
  s3: elsewhere,
  s3aws: elsewhere,
  's3-aws': elsewhere,
  's3-goamz': elsewhere,
  azure: elsewhere,
  gcs: elsewhere,
  swift: elsewhere,
  oss: elsewhere,
  rados: elsewhere,
}

/** The blob store named `default`, and how stored content is looked after. */
export const storage = section(
  'The blob store named `default` (one driver), and how stored content is looked after.',
  {
    ...drivers,
    filesystem: optional('Blobs in a local folder: the default driver.', {
      ...filesystem,
      rootdirectory: setting(
        path,
        undefined,
        'Folder of the blobs, laid out as registry:2 does. Default: `blobs` in `dataDir`; without a configuration file, `/var/lib/registry` where registry:2 left its data there.',
      ),
    }),
    delete: section('Deleting over the registry protocol.', {
      enabled: setting(boolean, 'true', 'Let clients that may delete do so.'),
    }),
    maintenance: section('Upkeep.', {
      uploadpurging: section('Removal of uploads that were never finished.', {
        enabled: setting(boolean, 'true', 'Remove them.'),
        age: setting(duration(0), '168h', 'Remove those that got no bytes for this long.'),
        interval: setting(duration(1000), '24h', 'How often to look.'),
        dryrun: setting(boolean, 'false', 'Only log what would be removed.'),
      }),
      readonly: section('A registry that can only be read.', {
        enabled: setting(boolean, 'false', 'Refuse every push and delete.'),
      }),
    }),
    gc: section('Removal of blobs that nothing refers to any more, while serving.', {
      enabled: setting(boolean, 'true', 'Remove them.'),
      grace: setting(duration(0), '1h', 'How long a blob stays after the last reference to it went away.'),
    }),
    cache: ignored('the database answers what the cache would'),
    redirect: ignored('a local folder has no address to redirect to'),
    tag: ignored('tags live in the database'),
    ...missing,
  },
  { byWord: true },
)

/** Further blob stores. */
export const blobStores = mapping(
  name,
  section('One driver.', { ...drivers, ...missing }, { byWord: true }),
  'A further blob store: one driver. The store `default` is the `storage` section.',
)
