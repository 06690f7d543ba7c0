import type { Settings } from '../harness/program.ts'

/**
 * The settings that both registries know by the same names. Both log errors only: request logs would measure the formatting of
 * lines, and each formats different ones.
 */
export function registryEnvironment({ tls, htpasswd, upstream }: Settings): Record<string, string> {
  return {
    REGISTRY_LOG_LEVEL: 'error',
    REGISTRY_LOG_ACCESSLOG_DISABLED: 'true',
    ...(tls && { REGISTRY_HTTP_TLS_CERTIFICATE: tls.certificate, REGISTRY_HTTP_TLS_KEY: tls.key }),
    ...(upstream && { REGISTRY_PROXY_REMOTEURL: upstream }),
    ...(htpasswd && {
      REGISTRY_AUTH: 'htpasswd',
      REGISTRY_AUTH_HTPASSWD_REALM: 'bench',
      REGISTRY_AUTH_HTPASSWD_PATH: htpasswd,
    }),
  }
}
