import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { configurationPage } from '../src/config/help.ts'

const page = join(import.meta.dirname, '../docs/configuration.md')
mkdirSync(dirname(page), { recursive: true })
writeFileSync(page, configurationPage())
