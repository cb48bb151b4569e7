/** Goal: the OpenAPI document is valid, names every route that is answered, and no other. */
import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, it } from 'vitest'
import { openApi } from '../../src/control/openapi.ts'
import { buildServer } from '../../src/control/server.ts'
import { pretendPorts } from '../fixtures/control-agent.ts'

type Document = {
  paths: Record<string, Record<string, { responses: Record<string, unknown> }>>
  components: { schemas: Record<string, { properties: Record<string, { type: unknown }> }> }
}

async function served(): Promise<Document> {
  const app = buildServer(pretendPorts(), { access: 'read' })
  const answer = await app.inject({ method: 'GET', url: '/v1/openapi.json' })
  expect([answer.statusCode, answer.headers['content-type']]).toEqual([
    200,
    'application/json; charset=utf-8',
  ])
  return answer.json()
}

it('is valid by the schema of the specification', async () => {
  const validator = new Validator()
  const result = await validator.validate((await served()) as never)
  expect(result).toEqual({ valid: true })
  expect(validator.version).toBe('3.1')
  const broken = await new Validator().validate({ ...(await served()), info: {} } as never)
  expect(broken.valid).toBe(false)
})

it('names what is answered, and nothing else', async () => {
  const app = buildServer(pretendPorts(), { access: 'full' })
  await app.ready()
  // A tree: what stands further to the right continues what stands above it.
  const above: { depth: number; path: string }[] = []
  const routes = app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const [, before = '', part = '', methods = ''] =
        /^(.*── )(\S+) \(([A-Z, ]+)\)/.exec(line) ?? []
      while ((above.at(-1)?.depth ?? -1) >= before.length) above.pop()
      const path = `${above.at(-1)?.path ?? ''}${part.replace(/:(\w+)/, '{$1}')}`
      above.push({ depth: before.length, path })
      return methods
        .split(', ')
        .filter((method) => method !== '' && method !== 'HEAD')
        .map((method) => `${method} ${path}`)
    })
  const { paths } = await served()
  const named = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  expect(routes.length).toBeGreaterThan(12)
  expect(named.sort()).toEqual(routes.sort())
})

it('says null as JSON Schema of today does', async () => {
  const document = await served()
  expect(JSON.stringify(document)).not.toContain('nullable')
  expect(document.components.schemas['Status']?.properties['lastTransition']?.type).toEqual([
    'object',
    'null',
  ])
  expect(document).toEqual(JSON.parse(JSON.stringify(openApi('1'))))
})
