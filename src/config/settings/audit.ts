import { boolean, duration, syslogUrl } from '../kinds.ts'
import { section, setting } from '../table.ts'

/** What is written down about who did what. */
export const audit = section('Who did what: changes, and everything that was denied.', {
  pulls: setting(boolean, 'false', 'Write down pulls of manifests too.'),
  keep: setting(duration(0), '2160h', 'How long events are kept; 0s: for ever.'),
  syslog: setting(
    syslogUrl,
    undefined,
    'Where events are sent as well: `udp://host:514` or `tcp://host:601` (RFC 5424).',
  ),
})
