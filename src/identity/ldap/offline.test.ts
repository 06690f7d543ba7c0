import { describe, expect, test } from 'bun:test'
import { createOfflineUsers } from './offline.ts'

function open(graceMs = 60_000) {
  let time = 0
  const users = createOfflineUsers(graceMs, () => time)
  return { users, pass: (ms: number) => (time += ms) }
}

const alice = { name: 'alice', admin: false, groups: ['developers'] }

describe('users while the directory cannot be asked', () => {
  test('go on with the same name and password for the stated time', () => {
    const { users, pass } = open()
    users.remember('Alice', 'secret', alice)
    pass(59_000)
    expect(users.recall('Alice', 'secret')).toEqual({ user: alice, seconds: 1 })
    expect(users.recall('Alice', 'guess')).toBeUndefined()
    expect(users.recall('bob', 'secret')).toBeUndefined()
    pass(1000)
    expect(users.recall('Alice', 'secret')).toBeUndefined()
  })

  test('are forgotten when the directory has refused that password or the name, not when somebody guesses', () => {
    const { users } = open()
    users.remember('alice', 'secret', alice)
    users.forget('alice', 'guess')
    expect(users.recall('alice', 'secret')).toBeDefined()
    users.forget('alice', 'secret')
    expect(users.recall('alice', 'secret')).toBeUndefined()
    users.remember('alice', 'secret', alice)
    users.forget('alice')
    expect(users.recall('alice', 'secret')).toBeUndefined()
  })

  test('are not remembered at all with a time of 0', () => {
    const { users } = open(0)
    users.remember('alice', 'secret', alice)
    expect(users.recall('alice', 'secret')).toBeUndefined()
  })

  test('are bounded in number, the oldest going first', () => {
    const { users } = open()
    for (let i = 0; i <= 10_000; i++) users.remember(`user${i}`, 'secret', alice)
    expect(users.recall('user0', 'secret')).toBeUndefined()
    expect(users.recall('user10000', 'secret')).toBeDefined()
  })
})
