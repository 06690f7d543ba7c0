/**
 * Runs `measure` on every side, round after round (A, B, A, B ...), so that whatever else the machine does falls on all sides alike.
 * Answers each side's values in the order of `sides`. The first failure ends it.
 */
export async function rounds<Side, Value>(
  count: number,
  sides: readonly Side[],
  measure: (side: Side, round: number) => Promise<Value>,
): Promise<Value[][]> {
  const values: Value[][] = sides.map(() => [])
  for (let round = 0; round < count; round++) {
    for (const [index, side] of sides.entries()) values[index]!.push(await measure(side, round))
  }
  return values
}
