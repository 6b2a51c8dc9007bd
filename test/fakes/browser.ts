/** A browser in few lines: it keeps cookies, follows where it is sent, and sends the forms that it finds. */
class Browser {
  readonly #cookies = new Map<string, string>();
  #at = '';
  #page = '';

  get page(): string {
    return this.#page;
  }

  async go(url: string, form?: Record<string, string>): Promise<void> {
    this.#at = new URL(url, this.#at === '' ? undefined : this.#at).href;
    const answer = await fetch(this.#at, {
      method: form === undefined ? 'GET' : 'POST',
      headers: { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form !== undefined && { body: new URLSearchParams(form) }),
      redirect: 'manual',
    });
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      this.#cookies.set(name, value);
    }
    this.#page = await answer.text();
    const location = answer.headers.get('location');
    if (location !== null) await this.go(location);
  }

  /** Sends the first form of the page, with its hidden fields and these. */
  async send(fields: Record<string, string> = {}): Promise<void> {
    const [, action = this.#at] = /<form[^>]* action="([^"]*)"/.exec(this.#page) ?? [];
    const hidden = [...this.#page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)];
    const all = Object.fromEntries(hidden.map(([, name = '', value = '']) => [name, value]));
    await this.go(action.replaceAll('&amp;', '&'), { ...all, ...fields });
  }
}

/** Logs in on the page of a device login as `ada`, and approves it; or denies it. */
export async function approveInBrowser(page: string, decision: 'approve' | 'deny'): Promise<void> {
  const browser = new Browser();
  await browser.go(page);
  await browser.send();
  if (decision === 'deny') return browser.send({ abort: 'yes' });
  await browser.send({ confirm: 'yes' });
  await browser.send({ prompt: 'login', login: 'ada', password: 'any' });
  await browser.send({ prompt: 'consent' });
  if (!browser.page.includes('Sign-in Success')) throw new Error(`not approved: ${browser.page}`);
}
