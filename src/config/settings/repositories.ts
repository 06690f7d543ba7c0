import { choice, name, text } from '../kinds.ts'
import { list, refused, required, section, setting } from '../table.ts'

const later = 'declare hosted repositories only for now'

/** Declared repositories. */
export const repositories = list(
  section('One repository.', {
    name: required(name, 'Its name, the first segment of the images in it.'),
    format: setting(choice(['docker']), 'docker', 'What it stores.'),
    type: setting(
      choice(['hosted'], { proxy: later, group: later }),
      'hosted',
      'Where its content comes from: `hosted` is pushed by clients.',
    ),
    blobStore: setting(name, 'default', 'The blob store that keeps its bytes.'),
    writePolicy: setting(
      choice(['allow', 'allow-once', 'read-only']),
      'allow',
      'Whether tags may be pushed, pushed once and never moved, or not at all.',
    ),
    description: setting(text, undefined, 'A line for people.'),
    upstream: refused(later),
    members: refused(later),
    writableMember: refused(later),
  }),
  [],
  'Repositories that exist from the start. `private` is added when it is the default repository and not declared.',
)
