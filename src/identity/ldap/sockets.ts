import * as net from 'node:net'
import * as tls from 'node:tls'
import { DirectoryTrouble } from './trouble.ts'

/** Where a server is. */
export interface ServerAddress {
  host: string
  port: number
  secure: boolean
  /** `ldaps://dir.example.com:636`, for people. */
  label: string
}

/** Whom to trust there. */
export interface Trust {
  /** PEM texts of the only authorities that count; undefined: those of the system. */
  ca: string | undefined
  /** Any certificate will do. */
  insecure: boolean
}

/** Opens a TCP connection. Rejects with the error of the socket. */
export function openTcp({ host, port }: ServerAddress): Opening<net.Socket> {
  const socket = net.connect({ host, port })
  socket.setNoDelay(true)
  socket.setKeepAlive(true, 30_000)
  return { socket, opened: once(socket, 'connect') }
}

/** Speaks TLS on a connection, and checks authority and host name unless told not to. Rejects with the error of the socket. */
export function openTls(
  plain: net.Socket,
  { host, label }: ServerAddress,
  { ca, insecure }: Trust,
): Opening<tls.TLSSocket> {
  const socket = tls.connect({
    socket: plain,
    host,
    // A server name must be a name (RFC 6066 section 3).
    ...(net.isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca }),
    rejectUnauthorized: !insecure,
  })
  const opened = once(socket, 'secureConnect').then((open) => {
    if (insecure) return open
    // Said twice on purpose: a runtime that forgets one of the two checks must not cost anyone a password.
    const wrong = socket.authorized ? tls.checkServerIdentity(host, socket.getPeerCertificate()) : undefined
    if (wrong) throw wrong
    if (!socket.authorized) throw new DirectoryTrouble(`${label}: the certificate is not trusted`)
    return open
  })
  return { socket, opened }
}

/** The TLS version and the certificate of a connection, for people. */
export function describeTls(socket: tls.TLSSocket): string {
  const { subject, issuer, subjectaltname, valid_to } = socket.getPeerCertificate()
  const nameOf = (name: tls.Certificate | undefined) => [name?.CN ?? name?.O ?? 'without a name'].flat().join(' ')
  return `${socket.getProtocol()}, certificate of ${nameOf(subject)} (${subjectaltname ?? 'no names'}), issued by ${nameOf(issuer)}, valid until ${valid_to}`
}

/** A socket on its way, which can be destroyed before it is there. */
export interface Opening<S> {
  socket: S
  opened: Promise<S>
}

function once<S extends net.Socket>(socket: S, event: 'connect' | 'secureConnect'): Promise<S> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => reject(error)
    const closed = () => reject(new DirectoryTrouble('the server closed the connection'))
    socket.once('error', failed)
    socket.once('close', closed)
    socket.once(event, () => {
      socket.removeListener('error', failed)
      socket.removeListener('close', closed)
      resolve(socket)
    })
  })
}
