/** What new passwords must be like. */
export interface PasswordPolicy {
  /** In characters. */
  minLength: number
}

/** What people begin with when they are asked for a password; with numbers and signs around it, and letters swapped for look-alikes, it is what guessing begins with. */
const stems = new Set(
  (
    'password passwort passwd passphrase pass welcome willkommen bienvenue hello letmein changeme change default secret geheim ' +
    'admin administrator root user guest test testing tester demo example temp temporary sample login logon master manager ' +
    'superuser sysadmin operator service system server computer internet access company office work ' +
    'spring summer autumn fall winter january february march april june july august september october november december ' +
    'monday tuesday wednesday thursday friday saturday sunday ' +
    'love iloveyou princess sunshine dragon monkey tiger football baseball soccer hockey superman batman starwars ' +
    'qwerty qwertz azerty asdf qazwsx trustno one whatever freedom flower ' +
    'docker registry entrepot container kubernetes harbor nexus image push pull'
  ).split(' '),
)

/** What lies side by side: any run along one of these, in either direction, is no password. */
const rows = [
  '0123456789',
  'abcdefghijklmnopqrstuvwxyz',
  'qwertyuiop',
  'qwertzuiop',
  'asdfghjkl',
  'zxcvbnm',
  'yxcvbnm',
  '1qaz2wsx3edc4rfv5tgb6yhn',
]

const lookAlikes: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
}

/** Says why somebody may not have a password, without repeating it; undefined when they may. For new ones: those that are there stay good. */
export function problemWithPassword(password: string, name: string, { minLength }: PasswordPolicy): string | undefined {
  const length = [...password].length
  if (length < minLength)
    return `the password has ${length} characters, and needs ${minLength} or more (passwords.minLength)`
  const plain = password.toLowerCase()
  const core = coreOf(plain)
  const whole = withLetters(plain)
  const called = name.toLowerCase()
  const names = [called, reversed(called), coreOf(called), withLetters(called)]
  const isName = [plain, core, whole].some((one) => one !== '' && names.includes(one))
  if (isName) return 'the password is the name of the user'
  if (new Set(plain).size < 4) return 'the password consists of too few different characters'
  if (isRepeated(plain)) return 'the password is one short piece over and over'
  if (rows.some((row) => isAlong(plain, row))) return 'the password is a row of neighbouring characters'
  if ((core === '' && length < 16) || stems.has(core) || stems.has(letters(plain)))
    return 'the password is among those that are guessed first'
  return undefined
}

/** Without the numbers and signs around it, with letters for their look-alikes. */
function coreOf(text: string): string {
  return withLetters(text.replace(/^[^\p{L}@$]+|[^\p{L}]+$/gu, ''))
}

function withLetters(text: string): string {
  return [...text].map((letter) => lookAlikes[letter] ?? letter).join('')
}

function letters(text: string): string {
  return text.replace(/[^\p{L}]+/gu, '')
}

function reversed(text: string): string {
  return [...text].reverse().join('')
}

function isRepeated(text: string): boolean {
  return /^(.{1,4})\1+$/su.test(text)
}

function isAlong(text: string, row: string): boolean {
  const endless = row.repeat(Math.ceil(text.length / row.length) + 1)
  return endless.includes(text) || reversed(endless).includes(text)
}
