// A self-signed certificate for 127.0.0.1 and a name, made by openssl(1).
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export type Certificate = { cert: string; key: string; pem: string }

/** Paths of the certificate and its key in `dir`, and the certificate's text. Its subject is CN=`name`. */
export function certificate(dir: string, name: string): Certificate {
  const [cert, key] = [join(dir, 'certificate.pem'), join(dir, 'key.pem')]
  if (!existsSync(cert)) {
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
    const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
    execFileSync(
      'openssl',
      ['req', '-x509', '-nodes', '-days', '2', ...curve, ...subject, '-keyout', key, '-out', cert],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    )
  }
  return { cert, key, pem: readFileSync(cert, 'utf8') }
}
