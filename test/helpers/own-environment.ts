import { afterAll, beforeAll } from 'bun:test'

/** For tests of commands, which read settings from the environment: takes away those of whoever runs the tests, and puts them back. */
export function withoutInheritedSettings(): void {
  const inherited = Object.entries(process.env).filter(([name]) => /^(REGISTRY|ENTREPOT)_/.test(name))
  beforeAll(() => {
    for (const [name] of inherited) delete process.env[name]
  })
  afterAll(() => {
    Object.assign(process.env, Object.fromEntries(inherited))
  })
}
