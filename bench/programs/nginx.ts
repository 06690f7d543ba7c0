import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Program } from '../harness/program.ts'

/** nginx serving the files of `dataDir`, with the sendfile settings of Debian's package and no request log. */
export const nginx: Program = {
  name: 'nginx',
  readyPath: '/',
  // nginx writes its version to standard error.
  version: async () => /nginx\/(\S+)/.exec(spawnSync('nginx', ['-v'], { encoding: 'utf8' }).stderr)?.[1] ?? 'unknown',
  command: ({ port, dataDir, tls }) => {
    const folder = dirname(dataDir)
    const file = join(folder, `nginx-${port}.conf`)
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (kind) => `${kind}_temp_path ${folder}/nginx-${kind};`,
    )
    writeFileSync(
      file,
      `daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes auto;
pid ${folder}/nginx-${port}.pid;
error_log ${folder}/nginx-${port}.log;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  default_type application/octet-stream;
  ${temporary.join('\n  ')}
  server {
    listen 127.0.0.1:${port}${tls ? ' ssl' : ''};
    ${tls ? `ssl_certificate ${tls.certificate}; ssl_certificate_key ${tls.key}; ssl_protocols TLSv1.2 TLSv1.3;` : ''}
    root ${dataDir};
    location = / { return 200; }
  }
}
`,
    )
    return { argv: ['nginx', '-e', `${folder}/nginx-${port}.log`, '-p', folder, '-c', file], env: {} }
  },
}
