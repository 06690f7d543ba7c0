import { expect, test } from 'bun:test'
import { describeRegistry } from '../helpers/registry.ts'

describeRegistry('end-01: is this a registry', {}, (registry) => {
  for (const path of ['/v2/', '/v2']) {
    test(`GET ${path} answers an empty JSON object of two bytes`, async () => {
      const answer = await registry.expect(200, 'GET', path)
      expect(answer.headers.get('content-type')).toBe('application/json')
      expect(answer.headers.get('content-length')).toBe('2')
      expect(await answer.text()).toBe('{}')
    })
  }

  test('HEAD /v2/ answers the same head', async () => {
    const answer = await registry.expect(200, 'HEAD', '/v2/')
    expect(answer.headers.get('content-length')).toBe('2')
  })

  test('no other method is served', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const answer = await registry.expect(405, method, '/v2/')
      expect(answer.headers.get('allow')).toBe('GET, HEAD')
    }
  })

  for (const agent of ['docker/1.3.2', 'docker/1.4.1 go/go1.3', 'docker/1.5.0', 'Go 1.1 package http']) {
    test(`${agent} is sent back to version 1 with 404`, async () => {
      await registry.refused(404, 'UNSUPPORTED', 'GET', '/v2/', { headers: { 'user-agent': agent } })
      await registry.refused(404, 'UNSUPPORTED', 'GET', '/v2/a/tags/list', { headers: { 'user-agent': agent } })
    })
  }

  for (const agent of [
    'docker/1.5.0-dev',
    'docker/1.6.0',
    'docker/1.13.1',
    'docker/29.0.0',
    'Go-http-client/1.1',
    '',
  ]) {
    test(`"${agent}" is welcome`, async () => {
      await registry.expect(200, 'GET', '/v2/', { headers: { 'user-agent': agent } })
    })
  }
})
