/** How much a run does. Every load is bounded by one of these. */
export interface Sizes {
  rounds: number
  /** Seconds of load in each round of a rate. */
  seconds: number
  blobBytes: number
  layerBytes: number
  smallImages: number
  /** Many and few, to see whether a page of either costs the same. */
  tags: { many: number; few: number }
  images: { many: number; few: number }
  references: number
  /** Of a blob that a proxy does not have yet, and of one that many ask for at once. */
  coldBytes: number
  crowdBytes: number
  crowd: number
  slowPulls: number
  slowPushes: number
  memoryRounds: number
  starts: number
}

/** What the budgets are stated for. */
export const fullSizes: Sizes = {
  rounds: 5,
  seconds: 3,
  blobBytes: 20_000_000,
  layerBytes: 500_000_000,
  smallImages: 200,
  tags: { many: 100_000, few: 1000 },
  images: { many: 20_000, few: 1000 },
  references: 1_000_000,
  coldBytes: 200_000_000,
  crowdBytes: 100_000_000,
  crowd: 50,
  slowPulls: 1000,
  slowPushes: 50,
  memoryRounds: 3,
  starts: 10,
}

/** A minute or two: shows that everything works and roughly where things stand. */
export const quickSizes: Sizes = {
  rounds: 2,
  seconds: 1,
  blobBytes: 20_000_000,
  layerBytes: 100_000_000,
  smallImages: 50,
  tags: { many: 10_000, few: 100 },
  images: { many: 4000, few: 1000 },
  references: 50_000,
  coldBytes: 100_000_000,
  crowdBytes: 50_000_000,
  crowd: 20,
  slowPulls: 200,
  slowPushes: 10,
  memoryRounds: 1,
  starts: 3,
}
