/** Path of the page on its server, `/` or `/registry/`: what index.html says the addresses in it are relative to. */
export const basePath = new URL(document.baseURI).pathname

/** What the server wrote into this page for styles that are made while it runs. */
export const nonce = document.querySelector<HTMLScriptElement>('script[nonce]')?.nonce ?? ''
