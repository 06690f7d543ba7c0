import { expect, test } from 'bun:test'
import { parseJunit } from './junit.ts'

test('reads what bun test writes', () => {
  const cases = parseJunit(`<testsuites tests="4"><testsuite name="a.test.ts">
    <testcase name="one &lt;x&gt; &amp; y" classname="a &gt; b" time="0.5" file="a.test.ts" line="2" assertions="0" />
    <testcase name="not yet" classname="" time="0" file="a.test.ts"><skipped message="TODO" /></testcase>
    <testcase name="bad" classname="" time="0" file="a.test.ts">
      <failure type="AssertionError" message="Expected: 2&#10;Received: 1">at &lt;anonymous&gt;</failure>
    </testcase>
    <testcase name="slow" classname="" time="0" file="a.test.ts"><failure type="TimeoutError" message="test timed out" /></testcase>
  </testsuite></testsuites>`)
  expect(cases.map(({ name, status, message }) => [name, status, message])).toEqual([
    ['one <x> & y', 'passed', ''],
    ['not yet', 'skipped', 'TODO'],
    ['bad', 'failed', 'Expected: 2\nReceived: 1'],
    ['slow', 'failed', 'test timed out'],
  ])
  expect(cases[0]).toMatchObject({ suite: 'a > b', file: 'a.test.ts', seconds: 0.5 })
})

test('reads reports that say the status in an attribute', () => {
  const cases = parseJunit(`<testcase name="x" classname="" time="1" status="failure">
      <system-out>expected 416</system-out><system-err>GET /v2/</system-err></testcase>
    <testcase name="y" status="passed"></testcase><testcase name="z" status="panicked"/>`)
  expect(cases.map(({ name, status, message }) => [name, status, message])).toEqual([
    ['x', 'failed', 'expected 416'],
    ['y', 'passed', ''],
    ['z', 'failed', ''],
  ])
})
