// nginx, one on each side: the answer is the side's name; HTTP/1.1 at the sides' port, TLS with HTTP/2 one port above.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { serverProgram } from '../../support/servers.js'
import { certificate } from './certificate.js'
import type { Server, Side, Sides } from './sides.js'

export async function startNginx(sides: Sides): Promise<{ http: string; https: string; ca: string[] }> {
  await Promise.all(sides.both.map((side) => startOn(side, sides.port)))
  return {
    http: `http://127.0.0.1:${sides.port}/`,
    https: `https://127.0.0.1:${sides.port + 1}/`,
    ca: sides.both.map((side) => certificate(side.dir, side.name).pem),
  }
}

function startOn(side: Side, port: number): Promise<Server> {
  const { cert, key } = certificate(side.dir, side.name)
  const file = join(side.dir, 'nginx.conf')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${side.dir}/nginx.pid; error_log stderr;
events { worker_connections 1000; }
http {
  access_log off;
  keepalive_requests 100000;
  ${temporary.map((name) => `${name}_temp_path ${side.dir}/${name};`).join(' ')}
  server {
    listen 127.0.0.1:${port};
    listen 127.0.0.1:${port + 1} ssl http2;
    ssl_certificate ${cert}; ssl_certificate_key ${key};
    location / {
      add_header x-protocol $server_protocol;
      add_header x-connection $connection;
      return 200 "${side.name}";
    }
    location /redirect { return 302 $scheme://$http_host/; }
  }
}
`,
  )
  return side.start(serverProgram('nginx'), ['-p', side.dir, '-e', 'stderr', '-c', file], { readyAt: port + 1 })
}
