import { duration, secret, text, webUrl } from '../kinds.ts'
import { each, list, optional, required, section, setting } from '../table.ts'

/** Logging in with a company's OpenID provider. */
export const oidc = optional('People log in in the browser with an OpenID provider.', {
  issuer: required(webUrl, 'Its address, as it writes it itself: `https://login.example.com/realms/company`.'),
  clientId: required(text, 'Name under which this registry is known there.'),
  clientSecret: setting(secret, undefined, 'Its secret there. Not set: a public client.'),
  label: setting(text, 'Company account', 'What the button to log in says.'),
  scopes: list(each(text), ['profile', 'email'], 'What is asked for besides `openid`.'),
  claims: section('Which claim says what.', {
    name: setting(text, 'preferred_username', 'User name here.'),
    groups: setting(text, 'groups', 'Groups, a list of texts.'),
  }),
  adminGroups: list(each(text), [], 'Who is in one of these groups administers the server.'),
  requiredGroups: list(each(text), [], 'Who may enter. Empty: everyone whom the provider lets in.'),
  sameAs: list(
    each(text),
    [],
    'Directories (`name` of `ldap`) whose users are those of the provider: one name is one person, with the groups of both. Only where people cannot choose their names at the provider.',
  ),
})

/** How long people stay logged in. */
export const sessions = section('People in the browser.', {
  idle: setting(duration(60_000), '12h', 'A session ends after this long without a request.'),
  longest: setting(duration(60_000), '168h', 'And after this long in any case.'),
})
