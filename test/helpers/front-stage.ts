/** The API's front on loopback before a pretend agent, with a small client that shows everything. */
import { once } from 'node:events'
import { type IncomingHttpHeaders, request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'
import { FRONT_LIMITS, Front, type FrontLimits, type FrontOptions } from '../../src/api/front.ts'
import type { PageFiles } from '../../src/api/page-files.ts'
import type { ApiMaterial } from '../../src/config/api-files.ts'
import type { ApiConfig } from '../../src/config/config.ts'
import type { ControlPorts } from '../../src/control/server.ts'
import { hashToken } from '../../src/wire/api-tokens.ts'
import { pretendPorts, startPretendAgent } from '../fixtures/control-agent.ts'
import { type Certificate, makeCertificate } from './certificate.ts'

export const READ_TOKEN = 'tandem_read'
export const OPERATE_TOKEN = 'tandem_operate'
const TOKENS = [
  { role: 'read', name: 'prometheus', hash: hashToken(READ_TOKEN) },
  { role: 'operate', name: 'carol', hash: hashToken(OPERATE_TOKEN) },
] as const

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

export interface Ask {
  method?: string
  path?: string
  token?: string
  headers?: Record<string, string>
  body?: string
  /** Of the client. */
  certificate?: Certificate
  /** What the client trusts; the certificate that the stage began with when missing. */
  trust?: string
}

export interface FrontStage {
  front: Front
  tlsPort: number
  plainPort: number
  orders: Parameters<FrontOptions['ordered']>[0][]
  refused: string[]
  ask(what: Ask): Promise<Answer>
  askPlain(what: Ask): Promise<Answer>
  /** A bare connection to the port without TLS. */
  connectPlain(): Socket
  stop(): Promise<void>
}

export async function frontStage(
  choices: {
    api?: Partial<ApiConfig>
    material?: Partial<ApiMaterial>
    limits?: Partial<FrontLimits>
    ports?: ControlPorts
    page?: PageFiles
    runDir?: string
  } = {},
): Promise<FrontStage> {
  const agent = await startPretendAgent(choices.ports ?? pretendPorts())
  const certificate = makeCertificate('IP:127.0.0.1')
  const orders: FrontStage['orders'] = []
  const refused: string[] = []
  const front = new Front({
    api: {
      ...{ listen: [], certificateFile: null, keyFile: null, tokenFile: '/none' },
      ...{ clientCaFile: null, clients: [], open: [] },
      ...choices.api,
    },
    runDir: choices.runDir ?? agent.runDir,
    material: {
      ...{ certificate: certificate.cert, key: certificate.key, clientCa: null },
      ...{ tokens: TOKENS, notAfterMs: null },
      ...choices.material,
    },
    limits: { ...FRONT_LIMITS, ...choices.limits },
    ...(choices.page === undefined ? {} : { page: choices.page }),
    now: () => performance.now(),
    ordered: (order) => orders.push(order),
    refused: (address) => refused.push(address),
  })
  const open = (tls: boolean): Promise<Server> =>
    new Promise((resolve) => {
      const server = front.server(tls)
      server.listen(0, '127.0.0.1', () => resolve(server))
    })
  const [tls, plain] = await Promise.all([open(true), open(false)])
  const tlsPort = (tls.address() as AddressInfo).port
  const plainPort = (plain.address() as AddressInfo).port
  return {
    ...{ front, tlsPort, plainPort, orders, refused },
    ask: (what) => exchange(what, { port: tlsPort, ca: certificate.cert }),
    askPlain: (what) => exchange(what, { port: plainPort, ca: null }),
    connectPlain: () => connect(plainPort, '127.0.0.1'),
    async stop() {
      const closed = [tls, plain].map((server) => once(server, 'close'))
      front.close()
      await Promise.all(closed)
      await agent.stop()
    },
  }
}

function exchange(what: Ask, { port, ca }: { port: number; ca: string | null }): Promise<Answer> {
  const { method = 'GET', path = '/v1/status', token, headers, body, certificate } = what
  const options = {
    ...{ host: '127.0.0.1', port, method, path, agent: false as const },
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
  }
  return new Promise((resolve, reject) => {
    const client = certificate ?? {}
    const request =
      ca === null
        ? plainRequest(options)
        : tlsRequest({ ...options, ca: what.trust ?? ca, ...client })
    request.once('error', reject)
    request.once('response', (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
      })
      response.once('error', reject)
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      )
    })
    request.end(body)
  })
}
