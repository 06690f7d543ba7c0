import { address, boolean, hostName, path } from '../kinds.ts'
import { name } from '../name-kinds.ts'
import { list, required, section, setting } from '../table.ts'

/** Further ways in, each bound to one repository. */
export const connectors = list(
  section('One connector.', {
    repository: required(name, 'The repository whose images are at this address, without its name before them.'),
    addr: setting(address, undefined, 'A listener of its own: `host:port` or `:port`. Either this or `host`.'),
    host: setting(
      hostName,
      undefined,
      'Requests to the main listener that name this host; without a port in it, on any. Either this or `addr`.',
    ),
    plain: setting(boolean, 'false', 'The listener speaks plain HTTP although the main one speaks HTTPS.'),
    tls: section('HTTPS with a certificate of its own. Default: as the main listener.', {
      certificate: setting(path, undefined, 'PEM file with the certificate and the intermediate ones after it.'),
      key: setting(path, undefined, 'PEM file with the private key of the certificate.'),
    }),
  }),
  [],
  'Listeners and host names that lead to one repository.',
)
