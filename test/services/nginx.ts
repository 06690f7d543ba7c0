import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Certificates } from '../helpers/openssl.ts'
import { freePort, run, startDaemon, temporaryFolder, waitFor } from '../helpers/process.ts'
import { installPackages } from './packages.ts'
import { portAnswers } from './ports.ts'

/** A proxy in front of a registry. */
export interface FrontProxy {
  /** The port on 127.0.0.1, and on ::1 where it says so. */
  readonly port: number
  /** Access and error log so far. */
  log(): string
  stop(): Promise<void>
}

export interface NginxOptions {
  /** Where the registry listens: `127.0.0.1:5000`. */
  upstream: string
  /** TLS ends at nginx, with these. Absent: plain HTTP. */
  certificates?: Certificates
  /** What stands before `/v2/` on the outside: `/registry`. */
  prefix?: string
  /** The prefix is cut off and named in `X-Forwarded-Prefix`; otherwise the path goes on as it is. Default true. */
  cutPrefix?: boolean
  /** nginx takes whole request bodies before it passes them on, which is its default. */
  buffering?: boolean
}

/** nginx as the usual recipe for a registry sets it up: no limit on the body, long timeouts, the original host and scheme in headers. */
export async function startNginx(options: NginxOptions): Promise<FrontProxy> {
  const { upstream, certificates, prefix = '', cutPrefix = true, buffering = false } = options
  const port = await freePort()
  const tls = certificates ? `ssl_certificate ${certificates.cert}; ssl_certificate_key ${certificates.key};` : ''
  const flag = certificates ? 'ssl' : ''
  return start(
    port,
    (folder) => `
http {
  access_log ${folder}/access.log;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port} ${flag};
    listen [::1]:${port} ${flag};
    ${tls}
    client_max_body_size 0;
    chunked_transfer_encoding on;
    location ${prefix}/ {
      proxy_pass http://${upstream}${cutPrefix ? '/' : ''};
      proxy_http_version 1.1;
      proxy_request_buffering ${buffering ? 'on' : 'off'};
      proxy_buffering ${buffering ? 'on' : 'off'};
      proxy_set_header Host $http_host;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      ${prefix && cutPrefix ? `proxy_set_header X-Forwarded-Prefix ${prefix};` : ''}
      proxy_read_timeout 900;
      proxy_send_timeout 900;
    }
  }
}`,
  )
}

/** nginx that passes TLS through untouched: the registry behind it ends it. */
export async function startNginxPassthrough(upstream: string): Promise<FrontProxy> {
  await installPackages('libnginx-mod-stream')
  const port = await freePort()
  return start(
    port,
    () => `
stream { server { listen 127.0.0.1:${port}; proxy_pass ${upstream}; proxy_timeout 900s; } }`,
    'load_module /usr/lib/nginx/modules/ngx_stream_module.so;',
  )
}

async function start(port: number, body: (folder: string) => string, head = ''): Promise<FrontProxy> {
  await installPackages('nginx-light')
  const folder = temporaryFolder('nginx')
  chmodSync(folder, 0o755) // for its workers, when they are not root
  mkdirSync(join(folder, 'logs'))
  const config = join(folder, 'nginx.conf')
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  writeFileSync(
    config,
    `${head}
daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log notice; ${user}
events { worker_connections 2048; }
${body(folder)}
`,
  )
  const command = ['nginx', '-e', join(folder, 'error.log'), '-p', folder, '-c', config]
  await run([...command, '-t', '-q'])
  const daemon = startDaemon(command, { logFile: join(folder, 'error.log') })
  const stop = async () => {
    await daemon.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await waitFor(`nginx on port ${port}`, () => portAnswers(port))
  } catch (error) {
    await stop()
    throw error
  }
  return { port, log: daemon.log, stop }
}
