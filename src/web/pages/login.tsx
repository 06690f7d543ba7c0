import { Alert, Button, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, useRouter } from '@tanstack/react-router'
import { type FormEvent, useEffect, useState } from 'react'
import type { System } from '../api/operations.ts'
import { Problem } from '../api/problem.ts'
import { request, urlOf } from '../api/request.ts'
import { entered, sessionQuery, useMe } from '../api/session.ts'
import { ColorButton, LanguageMenu } from '../app/preferences.tsx'
import { useTexts } from '../i18n/language.tsx'
import { adviceFor } from '../parts/states.tsx'
import classes from './login.module.css'

const route = getRouteApi('/login')

/** How to get in: the ways that the server offers, in its order. */
export function LoginPage() {
  const t = useTexts()
  const { system } = useMe()
  const { back = '/' } = route.useSearch()
  useEffect(() => {
    document.title = `${t('login.title')} · Entrepot`
  }, [t])
  return (
    <main className={classes.page}>
      <div className={classes.preferences}>
        <ColorButton />
        <LanguageMenu />
      </div>
      <Paper withBorder className={classes.card}>
        <Stack gap="md">
          <div className={classes.brand}>
            <img src="icon.svg" alt="" width={36} height={36} />
            <Title order={1}>Entrepot</Title>
          </div>
          {back !== '/' && <Text size="sm">{t('login.first')}</Text>}
          {system.logins.map((login) => (
            <Login key={login.kind} login={login} back={back} />
          ))}
        </Stack>
      </Paper>
    </main>
  )
}

function Login({ login, back }: { login: System['logins'][number]; back: string }) {
  const t = useTexts()
  if (login.kind === 'password') return <PasswordLogin back={back} />
  return (
    <Button component="a" href={urlOf('/oidc/login', {}, { back })} fullWidth>
      {login.label || t('login.oidc')}
    </Button>
  )
}

function PasswordLogin({ back }: { back: string }) {
  const t = useTexts()
  const queries = useQueryClient()
  const router = useRouter()
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const logIn = useMutation({
    mutationFn: () => request('POST /session', { body: { name, password } }),
    onSuccess: ({ answer }) => {
      queries.setQueryData(sessionQuery.queryKey, entered(answer))
      router.history.replace(router.basepath.replace(/\/$/, '') + back)
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    logIn.mutate()
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <TextInput
          label={t('login.name')}
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          required
          withAsterisk={false}
          value={name}
          onChange={({ currentTarget }) => setName(currentTarget.value)}
        />
        <PasswordInput
          label={t('login.password')}
          autoComplete="current-password"
          required
          withAsterisk={false}
          visibilityToggleButtonProps={{ 'aria-label': t('login.showPassword') }}
          value={password}
          onChange={({ currentTarget }) => setPassword(currentTarget.value)}
        />
        {logIn.isError && (
          <Alert color="red" role="alert">
            <LoginProblem error={logIn.error} />
          </Alert>
        )}
        <Button type="submit" loading={logIn.isPending} fullWidth>
          {t('login.submit')}
        </Button>
      </Stack>
    </form>
  )
}

function LoginProblem({ error }: { error: unknown }) {
  const t = useTexts()
  if (error instanceof Problem && error.status === 401) return t('login.wrong')
  if (error instanceof Problem && error.code === 'denied') return error.message
  return adviceFor(error, t)
}
