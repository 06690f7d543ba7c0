import { existsSync, realpathSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { openDrivers } from '../app.ts'
import { createClosers } from '../closers.ts'
import { type Config, secretsSettings } from '../config/config.ts'
import { createBlobStores } from '../content/blob-store.ts'
import { createUploads } from '../content/uploads.ts'
import { openDatabase } from '../database/database.ts'
import { AppError } from '../errors.ts'
import { adoptImages } from '../formats/docker/adoption/adopt.ts'
import { rememberAdopted } from '../formats/docker/adoption/first-start.ts'
import { describeProblem, type Progress } from '../formats/docker/adoption/report.ts'
import { hasImages } from '../formats/docker/adoption/source.ts'
import { declareRepositories } from '../repositories/declare.ts'
import { loadRepositories } from '../repositories/live.ts'
import { openSecrets } from '../secrets/secrets.ts'
import type { StorageDriver } from '../storage/driver.ts'
import { readOnlyFolder } from '../storage/filesystem-source.ts'
import { createLog } from '../telemetry/log.ts'
import { loadOrExplain } from './configured.ts'
import { formatBytes } from './format.ts'
import type { CommandIo } from './io.ts'

export interface ImportOptions {
  config?: string | undefined
  /** Default: the default repository. */
  repository?: string | undefined
  /** Hash what is taken over in place, too. What is copied always is. */
  verify?: boolean | undefined
  json?: boolean | undefined
}

/**
 * `entrepot import registry DIR [--repository NAME] [--verify] [--json]`: takes over the data of a registry:2, beside a running server; in place when DIR is
 * the folder of the repository's blob store, else by copying. Returns the exit code: 0 also when parts were broken (they are told), 1 when there is nothing
 * to import or nothing can be imported, 2 for a bad configuration.
 */
export async function importRegistry(folder: string, options: ImportOptions, io: CommandIo): Promise<number> {
  const config = loadOrExplain(options, io)
  if (!config) return 2
  const closers = createClosers()
  try {
    const result = await run(config, folder, options, io, closers.add)
    if (options.json) io.out.write(`${JSON.stringify(result)}\n`)
    else tell(result, io)
    return 0
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    io.err.write(`${error.message}\n`)
    return 1
  } finally {
    await closers.closeAll()
  }
}

async function run(
  config: Config,
  folder: string,
  { repository: name = config.defaultRepository, verify = false }: ImportOptions,
  { err }: CommandIo,
  add: ReturnType<typeof createClosers>['add'],
): Promise<Progress> {
  const source = readOnlyFolder(rootOf(folder))
  if (!(await hasImages(source))) throw new AppError('unavailable', `there are no images of registry:2 in ${folder}`)
  const db = add(await openDatabase(config.database))
  const stores = createBlobStores(await openDrivers(config, add))
  const parts = { db, stores, now: Date.now, graceMs: config.storage.gc.grace }
  const { repositories: declared, defaultRepository } = config
  const secrets = openSecrets(secretsSettings(config))
  const log = createLog({ level: 'warn', formatter: 'text', stream: err })
  await declareRepositories({ db, secrets, log, now: Date.now }, declared)
  const repositories = await loadRepositories({ db, secrets, log, declared, defaultRepository })
  const all = repositories.all()
  const repository = all.find((one) => one.name === name)
  if (!repository) {
    const known = all.map((one) => one.name).join(', ')
    throw new AppError('request-invalid', `there is no repository ${name}: declare it first, or name one of ${known}`)
  }
  if (repository.type !== 'hosted')
    throw new AppError('request-invalid', `repository ${name} is a ${repository.type}: name a hosted one`)
  const { driver } = stores(repository.store)
  const inPlace = isSame(driver, source.localFile('docker'))
  err.write(`${inPlace ? 'taking over' : 'copying'} the images in ${folder} to the repository ${name}\n`)
  const result = await adoptImages(
    { ...parts, uploads: createUploads(parts) },
    {
      source: inPlace ? driver : source,
      repository,
      taken: all.map((one) => one.name),
      inPlace,
      verify,
      serving: true,
      onProblem: (problem) => err.write(`not imported: ${describeProblem(problem)}\n`),
      onProgress: ({ images, imagesInAll, manifests, blobs, bytes }) =>
        err.write(
          `${images} of ${imagesInAll} images, ${manifests} manifests, ${blobs} blobs with ${formatBytes(bytes)}\n`,
        ),
    },
  )
  if (inPlace) await rememberAdopted(parts, repository.store, Date.now())
  return result
}

/** The storage root of registry:2, whether it or a folder inside it was named. */
function rootOf(folder: string): string {
  const path = resolve(folder)
  const candidates = [path, dirname(path), dirname(dirname(path)), dirname(dirname(dirname(path)))]
  return candidates.find((candidate) => existsSync(join(candidate, 'docker/registry/v2'))) ?? path
}

function isSame(driver: StorageDriver, folder: string): boolean {
  const own = driver.localFile?.('docker')
  return own !== undefined && existsSync(own) && realpathSync(own) === realpathSync(folder)
}

function tell({ images, newManifests, newTags, blobs, bytes, copied, problems }: Progress, { out }: CommandIo): void {
  out.write(`${images} images: ${newManifests} new manifests, ${newTags} new tags; `)
  out.write(`${blobs} blobs with ${formatBytes(bytes)}${copied > 0 ? `, ${copied} of them copied` : ''}\n`)
  const found = Object.entries(problems)
  if (found.length === 0) return
  out.write(`not imported: ${found.map(([kind, count]) => `${count} ${kind}`).join(', ')} (each is named above)\n`)
}
