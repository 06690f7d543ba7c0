import { boolean, choice, text } from '../kinds.ts'
import { each, ignored, mapping, section, setting } from '../table.ts'

/** What is logged and how. */
export const log = section('What is logged and how.', {
  level: setting(
    choice(['error', 'warn', 'info', 'debug']),
    'info',
    'The least important messages that are still logged.',
  ),
  formatter: setting(
    choice(['text', 'json', 'logstash']),
    'text',
    'Form of the log: lines for people, JSON, or JSON as Logstash names its fields.',
  ),
  fields: mapping(text, each(text), 'A field that every log entry carries.', { keyLabel: '<field>' }),
  accesslog: section('The line per request.', {
    disabled: setting(boolean, 'false', 'Leave out the access log.'),
  }),
  hooks: ignored('mail on log entries does not exist; let what collects the log send it'),
  reportcaller: ignored('entries do not name the line of code'),
})
