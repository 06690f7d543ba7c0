import { expect, test } from 'bun:test'
import { browserName } from './browser.ts'

test('browsers are called what people call them', () => {
  const chrome = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36'
  expect(browserName(chrome)).toBe('Chrome 156, Linux')
  expect(browserName(`${chrome} Edg/156.0.0.0`.replace('X11; Linux x86_64', 'Windows NT 10.0'))).toBe(
    'Edge 156, Windows',
  )
  expect(browserName('Mozilla/5.0 (Macintosh; Intel Mac OS X 14.1; rv:140.0) Gecko/20100101 Firefox/140.0')).toBe(
    'Firefox 140, Mac OS X',
  )
  expect(browserName('curl/8.0')).toBe('curl/8.0')
})
